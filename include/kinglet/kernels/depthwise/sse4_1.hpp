// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/sse4_1.hpp
/// Depthwise convolution on SSE 4.1.
#pragma once

#include <kinglet/isa/lanes_sse4_1.hpp>

#if defined(__SSE4_1__)

#include <kinglet/kernels/depthwise/pairs.hpp>

namespace kinglet::inline KINGLET_TARGET::depthwise {

using Sse41 = PackedPairs<isa::Lanes4>;

}  // namespace kinglet::inline KINGLET_TARGET::depthwise

#endif
