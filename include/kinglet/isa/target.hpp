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

#include <cstdint>
#include <kinglet/core/config.hpp>
#include <string_view>
#include <type_traits>

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

/// Bytes of its widest register: memory that crosses lines of the cache where a register does not takes twice as long.
inline constexpr std::size_t register_bytes = std::is_base_of_v<avx512bw, native> ? 64
                                              : std::is_base_of_v<avx2, native>   ? 32
                                                                                  : 16;

/// Multiply-accumulates in the time that one more call of a kernel takes: an estimate, for planning. Measured on Zen 5
/// (`small` over `fast` of a keyword network, by calls more): 15,500 with VNNI, 8,400 with AVX2.
inline constexpr std::uint64_t call_work = std::is_base_of_v<avx512_vnni, native> ? 15'000
                                           : std::is_base_of_v<avx2, native>      ? 8'000
                                                                                  : 2'000;

/// A target as data, for choices at run time.
struct TargetInfo {
  std::string_view name;
  std::string_view fallback;  ///< empty for scalar
};

/// Every target, best first.
inline constexpr TargetInfo targets[] = {
    {avx512_vnni::name, avx512bw::name}, {avx512bw::name, avx2::name}, {avx2_vnni::name, avx2::name},
    {avx2::name, sse4_1::name},          {sse4_1::name, scalar::name}, {neon_i8mm::name, neon_dotprod::name},
    {neon_dotprod::name, neon::name},    {neon::name, scalar::name},   {scalar::name, {}},
};

/// Some of `targets`.
class TargetSet {
 public:
  /// Adds a target; what is no target's name adds nothing.
  constexpr TargetSet& add(std::string_view name) noexcept {
    bits_ |= bit(name);
    return *this;
  }
  [[nodiscard]] constexpr bool has(std::string_view name) const noexcept { return (bits_ & bit(name)) != 0; }
  constexpr bool operator==(const TargetSet&) const noexcept = default;

 private:
  static constexpr std::uint32_t bit(std::string_view name) noexcept {
    std::uint32_t b = 1;
    for (const TargetInfo& target : targets) {
      if (target.name == name) {
        return b;
      }
      b <<= 1;
    }
    return 0;
  }
  std::uint32_t bits_ = 0;
};

}  // namespace kinglet::inline KINGLET_TARGET::isa
