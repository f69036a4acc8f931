// SPDX-License-Identifier: Apache-2.0
/// @file kernels/fully_connected/neon_dotprod.hpp
/// FULLY_CONNECTED on Advanced SIMD with dot products.
#pragma once

#include <kinglet/kernels/pointwise/neon_dotprod.hpp>

#if KINGLET_HAS_NEON_DOTPROD

#include <kinglet/kernels/fully_connected/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::fully_connected {

using NeonDotprod = Packed<pointwise::NeonEngine<pointwise::NeonDotprodTile>>;

}  // namespace kinglet::inline KINGLET_TARGET::fully_connected

#endif
