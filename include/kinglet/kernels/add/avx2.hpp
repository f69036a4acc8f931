// SPDX-License-Identifier: Apache-2.0
/// @file kernels/add/avx2.hpp
/// ADD on AVX2.
#pragma once

#include <kinglet/isa/lanes_avx2.hpp>

#if defined(__AVX2__)

#include <kinglet/kernels/add/vectors.hpp>

namespace kinglet::inline KINGLET_TARGET::add {

using Avx2 = Vectors<isa::Lanes8>;

}  // namespace kinglet::inline KINGLET_TARGET::add

#endif
