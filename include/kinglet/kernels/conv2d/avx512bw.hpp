// SPDX-License-Identifier: Apache-2.0
/// @file kernels/conv2d/avx512bw.hpp
/// CONV_2D on AVX-512 without VNNI.
#pragma once

#include <kinglet/kernels/pointwise/avx512bw.hpp>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/conv2d/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::conv2d {

using Avx512bw = pointwise::PackedPairs<Packed, isa::Lanes16>;

}  // namespace kinglet::inline KINGLET_TARGET::conv2d

#endif
