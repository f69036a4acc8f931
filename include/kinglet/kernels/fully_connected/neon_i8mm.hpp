// SPDX-License-Identifier: Apache-2.0
/// @file kernels/fully_connected/neon_i8mm.hpp
/// FULLY_CONNECTED on Advanced SIMD with products of matrices.
#pragma once

#include <kinglet/kernels/pointwise/neon_i8mm.hpp>

#if KINGLET_HAS_NEON_I8MM

#include <kinglet/kernels/fully_connected/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::fully_connected {

using NeonI8mm = Packed<pointwise::NeonEngine<pointwise::NeonI8mmTile>>;

}  // namespace kinglet::inline KINGLET_TARGET::fully_connected

#endif
