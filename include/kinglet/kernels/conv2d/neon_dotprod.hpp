// SPDX-License-Identifier: Apache-2.0
/// @file kernels/conv2d/neon_dotprod.hpp
/// CONV_2D on Advanced SIMD with dot products.
#pragma once

#include <kinglet/kernels/pointwise/neon_dotprod.hpp>

#if KINGLET_HAS_NEON_DOTPROD

#include <kinglet/kernels/conv2d/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::conv2d {

using NeonDotprod = Packed<pointwise::NeonEngine<pointwise::NeonDotprodTile>>;

}  // namespace kinglet::inline KINGLET_TARGET::conv2d

#endif
