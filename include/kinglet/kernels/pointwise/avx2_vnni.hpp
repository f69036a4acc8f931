// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise/avx2_vnni.hpp
/// Pointwise convolution of int8 on AVX-VNNI.
#pragma once

#include <kinglet/isa/lanes_avx2_vnni.hpp>

#if defined(__AVX2__) && defined(__AVXVNNI__)

#include <kinglet/kernels/pointwise/quads.hpp>

namespace kinglet::inline KINGLET_TARGET::pointwise {

using Avx2Vnni = Packed<QuadEngine<isa::Lanes8Vnni>>;

}  // namespace kinglet::inline KINGLET_TARGET::pointwise

#endif
