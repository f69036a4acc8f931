// SPDX-License-Identifier: Apache-2.0
/// @file kernels/conv2d/avx2.hpp
/// CONV_2D on AVX2.
#pragma once

#include <kinglet/kernels/pointwise/avx2.hpp>

#if defined(__AVX2__)

#include <kinglet/kernels/conv2d/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::conv2d {

using Avx2 = pointwise::PackedPairs<Packed, isa::Lanes8>;

}  // namespace kinglet::inline KINGLET_TARGET::conv2d

#endif
