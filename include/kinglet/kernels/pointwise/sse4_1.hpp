// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/sse4_1.hpp
/// Pointwise convolution on SSE 4.1.
#pragma once

#include <kinglet/isa/lanes_sse4_1.hpp>

#if defined(__SSE4_1__)

#include <kinglet/kernels/pointwise/pairs.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

using Sse41 = PackedPairs<Packed, isa::Lanes4>;

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
