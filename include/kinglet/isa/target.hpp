// SPDX-License-Identifier: Apache-2.0
/// @file isa/target.hpp
/// The instruction sets kernels are written for, best first, and what each falls back to.
///
/// | target       | needs                                  | falls back to |
/// |--------------|----------------------------------------|---------------|
/// | avx512_vnni  | AVX-512 F CD BW DQ VL, VNNI            | avx512bw      |
/// | avx512bw     | AVX-512 F CD BW DQ VL                  | avx2          |
/// | avx2_vnni    | AVX2, FMA, BMI2, AVX-VNNI              | avx2          |
/// | avx2         | AVX2, FMA, BMI2                        | sse4_1        |
/// | sse4_1       | SSE 4.1                                | scalar        |
/// | neon_i8mm    | Armv8.2-A, dot product, int8 matmul    | neon_dotprod  |
/// | neon_dotprod | Armv8.2-A, dot product                 | neon          |
/// | neon         | Advanced SIMD                          | scalar        |
/// | scalar       | C++20                                  |               |
/// Compiler flags: cmake/targets.cmake. Which kernel an operator has on a target: kernels/select.hpp.
#pragma once

#include <kinglet/core/config.hpp>
#include <string_view>

namespace kinglet::inline KINGLET_TARGET::isa {

// A target inherits from its fallback, so that "has at least AVX2" is `std::is_base_of_v<isa::avx2, Target>`.
struct scalar {
  static constexpr std::string_view name = "scalar";
};
struct sse4_1 : scalar {
  static constexpr std::string_view name = "sse4_1";
};
struct avx2 : sse4_1 {
  static constexpr std::string_view name = "avx2";
};
struct avx2_vnni : avx2 {
  static constexpr std::string_view name = "avx2_vnni";
};
struct avx512bw : avx2 {
  static constexpr std::string_view name = "avx512bw";
};
struct avx512_vnni : avx512bw {
  static constexpr std::string_view name = "avx512_vnni";
};
struct neon : scalar {
  static constexpr std::string_view name = "neon";
};
struct neon_dotprod : neon {
  static constexpr std::string_view name = "neon_dotprod";
};
struct neon_i8mm : neon_dotprod {
  static constexpr std::string_view name = "neon_i8mm";
};

/// What this translation unit is compiled for.
using native = KINGLET_TARGET;

}  // namespace kinglet::inline KINGLET_TARGET::isa
