// SPDX-License-Identifier: Apache-2.0
/// @file kernels/conv2d/sse4_1.hpp
/// CONV_2D on SSE 4.1.
#pragma once

#include <kinglet/kernels/pointwise/sse4_1.hpp>

#if defined(__SSE4_1__)

#include <kinglet/kernels/conv2d/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::conv2d {

using Sse41 = pointwise::PackedPairs<Packed, isa::Lanes4>;

}  // namespace kinglet::inline KINGLET_TARGET::conv2d

#endif
