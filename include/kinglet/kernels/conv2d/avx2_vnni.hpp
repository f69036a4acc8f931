// SPDX-License-Identifier: Apache-2.0
/// @file kernels/conv2d/avx2_vnni.hpp
/// CONV_2D of int8 on AVX-VNNI.
#pragma once

#include <kinglet/isa/lanes_avx2_vnni.hpp>

#if defined(__AVX2__) && defined(__AVXVNNI__)

#include <kinglet/kernels/conv2d/packed.hpp>
#include <kinglet/kernels/pointwise/quads.hpp>

namespace kinglet::inline KINGLET_TARGET::conv2d {

using Avx2Vnni = Packed<pointwise::QuadEngine<isa::Lanes8Vnni>>;

}  // namespace kinglet::inline KINGLET_TARGET::conv2d

#endif
