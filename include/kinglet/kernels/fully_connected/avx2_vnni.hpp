// SPDX-License-Identifier: Apache-2.0
/// @file kernels/fully_connected/avx2_vnni.hpp
/// FULLY_CONNECTED of int8 on AVX-VNNI.
#pragma once

#include <kinglet/isa/lanes_avx2_vnni.hpp>

#if defined(__AVX2__) && defined(__AVXVNNI__)

#include <kinglet/kernels/fully_connected/packed.hpp>
#include <kinglet/kernels/pointwise/quads.hpp>

namespace kinglet::inline KINGLET_TARGET::fully_connected {

using Avx2Vnni = Packed<pointwise::QuadEngine<isa::Lanes8Vnni>>;

}  // namespace kinglet::inline KINGLET_TARGET::fully_connected

#endif
