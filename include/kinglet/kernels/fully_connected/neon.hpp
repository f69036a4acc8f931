// SPDX-License-Identifier: Apache-2.0
/// @file kernels/fully_connected/neon.hpp
/// FULLY_CONNECTED on Advanced SIMD.
#pragma once

#include <kinglet/kernels/pointwise/neon.hpp>

#if KINGLET_HAS_NEON

#include <kinglet/kernels/fully_connected/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::fully_connected {

using Neon = Packed<pointwise::NeonEngine<pointwise::NeonTile>>;

}  // namespace kinglet::inline KINGLET_TARGET::fully_connected

#endif
