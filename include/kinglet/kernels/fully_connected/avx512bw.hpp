// SPDX-License-Identifier: Apache-2.0
/// @file kernels/fully_connected/avx512bw.hpp
/// FULLY_CONNECTED on AVX-512 without VNNI.
#pragma once

#include <kinglet/kernels/pointwise/avx512bw.hpp>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/fully_connected/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::fully_connected {

using Avx512bw = pointwise::PackedPairs<Packed, isa::Lanes16>;

}  // namespace kinglet::inline KINGLET_TARGET::fully_connected

#endif
