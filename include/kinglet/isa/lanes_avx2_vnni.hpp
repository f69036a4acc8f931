// SPDX-License-Identifier: Apache-2.0
/// @file isa/lanes_avx2_vnni.hpp
/// 8 lanes of 32 bits with AVX-VNNI's dot products of bytes; members as in isa/lanes_avx2.hpp.
#pragma once

#include <kinglet/isa/lanes_avx2.hpp>

#if defined(__AVX2__) && defined(__AVXVNNI__)

namespace kinglet::inline KINGLET_TARGET::isa {

struct Lanes8Vnni : Lanes8 {
  static constexpr std::string_view name = "avx2_vnni";

  KINGLET_ALWAYS_INLINE static Register multiply_add_bytes(Register sum, Register u, Register w) noexcept {
    return _mm256_dpbusd_avx_epi32(sum, u, w);
  }
  KINGLET_ALWAYS_INLINE static Register flip_signs(Register x) noexcept {
    return _mm256_xor_si256(x, _mm256_set1_epi8(-128));
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::isa

#endif
