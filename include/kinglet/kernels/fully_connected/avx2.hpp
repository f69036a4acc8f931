// SPDX-License-Identifier: Apache-2.0
/// @file kernels/fully_connected/avx2.hpp
/// FULLY_CONNECTED on AVX2.
#pragma once

#include <kinglet/kernels/pointwise/avx2.hpp>

#if defined(__AVX2__)

#include <kinglet/kernels/fully_connected/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::fully_connected {

using Avx2 = pointwise::PackedPairs<Packed, isa::Lanes8>;

}  // namespace kinglet::inline KINGLET_TARGET::fully_connected

#endif
