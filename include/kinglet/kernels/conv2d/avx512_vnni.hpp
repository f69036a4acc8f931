// SPDX-License-Identifier: Apache-2.0
/// @file kernels/conv2d/avx512_vnni.hpp
/// CONV_2D on AVX-512 with VNNI.
#pragma once

#include <kinglet/kernels/pointwise/avx512_vnni.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/conv2d/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::conv2d {

using Avx512Vnni = Packed<pointwise::Avx512VnniRows>;

}  // namespace kinglet::inline KINGLET_TARGET::conv2d

#endif
