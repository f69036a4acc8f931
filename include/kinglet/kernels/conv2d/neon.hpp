// SPDX-License-Identifier: Apache-2.0
/// @file kernels/conv2d/neon.hpp
/// CONV_2D on Advanced SIMD.
#pragma once

#include <kinglet/kernels/pointwise/neon.hpp>

#if KINGLET_HAS_NEON

#include <kinglet/kernels/conv2d/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::conv2d {

using Neon = Packed<pointwise::NeonEngine<pointwise::NeonTile>>;

}  // namespace kinglet::inline KINGLET_TARGET::conv2d

#endif
