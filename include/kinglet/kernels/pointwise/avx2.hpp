// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx2.hpp
/// Pointwise convolution on AVX2.
#pragma once

#include <kinglet/isa/lanes_avx2.hpp>

#if defined(__AVX2__)

#include <kinglet/kernels/pointwise/pairs.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

using Avx2 = PackedPairs<Packed, isa::Lanes8>;

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
