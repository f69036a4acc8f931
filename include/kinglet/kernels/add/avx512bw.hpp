// SPDX-License-Identifier: Apache-2.0
/// @file kernels/add/avx512bw.hpp
/// ADD on AVX-512 without VNNI.
#pragma once

#include <kinglet/isa/lanes_avx512bw.hpp>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include <kinglet/kernels/add/vectors.hpp>

namespace kinglet::inline KINGLET_TARGET::add {

using Avx512bw = Vectors<isa::Lanes16>;

}  // namespace kinglet::inline KINGLET_TARGET::add

#endif
