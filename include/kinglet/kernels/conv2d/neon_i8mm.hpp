// SPDX-License-Identifier: Apache-2.0
/// @file kernels/conv2d/neon_i8mm.hpp
/// CONV_2D on Advanced SIMD with products of matrices.
#pragma once

#include <kinglet/kernels/pointwise/neon_i8mm.hpp>

#if KINGLET_HAS_NEON_I8MM

#include <kinglet/kernels/conv2d/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::conv2d {

using NeonI8mm = Packed<pointwise::NeonEngine<pointwise::NeonI8mmTile>>;

}  // namespace kinglet::inline KINGLET_TARGET::conv2d

#endif
