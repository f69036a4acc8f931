// SPDX-License-Identifier: Apache-2.0
/// @file quant/uniform_requantize.hpp
/// `requantize` with one multiplier for many elements, in a form that compilers vectorize.
#pragma once

#include <kinglet/quant/requantize.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Equals requantize<R>(x, m) for every int32 x and every multiplier with 0 <= value, -31 <= shift <= 30.
///
/// What depends on the multiplier only is computed once, and nothing branches. Right shifts of 64-bit products
/// are logical (AVX2 and SSE have no arithmetic ones); the bits above the result are cut off or cancelled.
template <Rounding R>
class UniformRequantize {
 public:
  constexpr explicit UniformRequantize(Multiplier m) noexcept
      : value_(m.value),
        left_(m.shift > 0 ? m.shift : 0),
        right_(m.shift < 0 ? -m.shift : 0),
        mask_(static_cast<std::int32_t>((std::int64_t{1} << right_) - 1)) {}

  KINGLET_ALWAYS_INLINE constexpr std::int32_t operator()(std::int32_t x) const noexcept {
    const std::int64_t product = std::int64_t{wrapping_shift_left(x, left_)} * value_;
    const auto high = static_cast<std::int32_t>(static_cast<std::uint64_t>(product + (1 << 30)) >> 31);
    // Adds 1 where the bits shifted out are at least half a unit, or more than half for a tie away from zero.
    const std::int32_t negative = std::same_as<R, double_rounding> ? high >> 31 : 0;
    const std::int32_t threshold = (mask_ >> 1) - negative;
    return (high >> right_) + ((high & mask_) > threshold ? 1 : 0);
  }

 private:
  std::int32_t value_;
  int left_;
  int right_;
  std::int32_t mask_;
};

/// x * value + half in [-2^62, 2^63); 2^62 more makes it positive, and is a multiple of the unit 2^(31 - shift).
template <>
class UniformRequantize<single_rounding> {
 public:
  constexpr explicit UniformRequantize(Multiplier m) noexcept
      : value_(m.value),
        right_(31 - m.shift),
        offset_((std::uint64_t{1} << 62) + (std::uint64_t{1} << (right_ - 1))),
        excess_(static_cast<std::uint32_t>((std::uint64_t{1} << 62) >> right_)) {}

  KINGLET_ALWAYS_INLINE constexpr std::int32_t operator()(std::int32_t x) const noexcept {
    const std::uint64_t shifted = (static_cast<std::uint64_t>(std::int64_t{x} * value_) + offset_) >> right_;
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(shifted) - excess_);
  }

 private:
  std::int32_t value_;
  int right_;
  std::uint64_t offset_;
  std::uint32_t excess_;
};

}  // namespace kinglet::inline KINGLET_TARGET
