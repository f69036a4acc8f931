// SPDX-License-Identifier: Apache-2.0
/// @file kernels/fully_connected/avx512_vnni.hpp
/// FULLY_CONNECTED on AVX-512 with VNNI.
#pragma once

#include <kinglet/kernels/pointwise/avx512_vnni.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/fully_connected/packed.hpp>

namespace kinglet::inline KINGLET_TARGET::fully_connected {

using Avx512Vnni = Packed<pointwise::Avx512VnniRows, pointwise::Avx512VnniWords>;

}  // namespace kinglet::inline KINGLET_TARGET::fully_connected

#endif
