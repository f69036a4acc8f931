// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx512bw.hpp
/// Pointwise convolution on AVX-512 without VNNI.
#pragma once

#include <kinglet/isa/lanes_avx512bw.hpp>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/pointwise/pairs.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

using Avx512bw = PackedPairs<Packed, isa::Lanes16>;

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
