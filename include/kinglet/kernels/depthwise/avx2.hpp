// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/avx2.hpp
/// Depthwise convolution on AVX2.
#pragma once

#include <kinglet/isa/lanes_avx2.hpp>

#if defined(__AVX2__)

#include <kinglet/kernels/depthwise/pairs.hpp>

namespace kinglet::inline KINGLET_TARGET::depthwise {

using Avx2 = PackedPairs<isa::Lanes8>;

}  // namespace kinglet::inline KINGLET_TARGET::depthwise

#endif
