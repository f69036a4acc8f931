// SPDX-License-Identifier: Apache-2.0
/// @file kernels/add/sse4_1.hpp
/// ADD on SSE 4.1.
#pragma once

#include <kinglet/isa/lanes_sse4_1.hpp>

#if defined(__SSE4_1__)

#include <kinglet/kernels/add/vectors.hpp>

namespace kinglet::inline KINGLET_TARGET::add {

using Sse41 = Vectors<isa::Lanes4>;

}  // namespace kinglet::inline KINGLET_TARGET::add

#endif
