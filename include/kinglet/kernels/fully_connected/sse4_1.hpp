// SPDX-License-Identifier: Apache-2.0
/// @file kernels/fully_connected/sse4_1.hpp
/// FULLY_CONNECTED on SSE 4.1.
#pragma once

#include <kinglet/kernels/pointwise/sse4_1.hpp>

#if defined(__SSE4_1__)

#include <kinglet/kernels/fully_connected/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::fully_connected {

using Sse41 = pointwise::PackedPairs<Packed, isa::Lanes4>;

}  // namespace kinglet::inline KINGLET_TARGET::fully_connected

#endif
