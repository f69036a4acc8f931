// SPDX-License-Identifier: Apache-2.0
/// @file kernels/output_block.hpp
/// The output stage for a block of channels at once, in a form without branches that compilers vectorize. It equals
/// `quant/requantize.hpp` bit for bit.
///
/// With x' = x << max(s, 0), p = x' * q in 64 bits, r = max(-s, 0), every policy is one shift:
/// | policy                 | y = (p + C - N) >> h              | C               | h      |
/// |------------------------|-----------------------------------|-----------------|--------|
/// | double_rounding        | N = p < -2^30 and r > 0 ? 2^31 : 0| 2^30 + 2^(30+r) | 31 + r |
/// | double_rounding_upward | N = 0                             | 2^30 + 2^(30+r) | 31 + r |
/// | single_rounding        | N = 0, x' = x                     | 2^(30-s)        | 31 - s |
/// where C = 2^30 for the double roundings with r = 0. |p| < 2^62, so p + C + 2^62 is not negative and a logical
/// shift will do, which unlike the arithmetic one AVX2 has: y = ((p + C - N + 2^62) >> h) - 2^(62-h), modulo 2^32.
#pragma once

#include <array>
#include <cstring>
#include <kinglet/kernels/convolution.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Channels whose sums become elements together.
inline constexpr index_t output_block_channels = 16;

/// The constants of a block of channels; sums are 32 bits wide.
template <Rounding R, class Sum>
class OutputBlock {
 public:
  /// Channels [first, first + count) of a stage, count <= output_block_channels. `bias` may be null.
  OutputBlock(const OutputStage& stage, const std::int32_t* bias, index_t first, index_t count) noexcept
      : min_(stage.min), max_(stage.max) {
    for (index_t c = 0; c < count; ++c) {
      const auto i = static_cast<std::size_t>(c);
      const Multiplier m = stage.multiplier[first + c];
      const int right = std::same_as<R, single_rounding> ? -m.shift : std::max<std::int32_t>(-m.shift, 0);
      const int shift = 31 + right;
      const std::uint64_t half = std::uint64_t{1} << (shift - 1);
      const std::uint64_t first_half =
          std::same_as<R, single_rounding> || right == 0 ? 0 : std::uint64_t{1} << 30;
      bias_[i] = bias == nullptr ? 0U : static_cast<std::uint32_t>(bias[first + c]);
      value_[i] = m.value;
      left_[i] = std::same_as<R, single_rounding>
                     ? 0U
                     : static_cast<std::uint32_t>(std::max<std::int32_t>(m.shift, 0));
      shift_[i] = static_cast<std::uint64_t>(shift);
      rounding_[i] = half + first_half + (std::uint64_t{1} << 62);
      nudge_[i] = right > 0 ? std::uint64_t{1} << 31 : 0;
      offset_[i] = static_cast<std::uint32_t>(stage.zero_point) -
                   static_cast<std::uint32_t>(std::uint64_t{1} << (62 - shift));
    }
  }

  /// to[c] = stage(bias[c] + sums[c]) for a whole block.
  template <class T>
  void apply(const Sum* KINGLET_RESTRICT sums, T* KINGLET_RESTRICT to) const noexcept {
    // Two loops: one at the width of 32-bit sums, one that narrows. Bytes stored in the first would halve its
    // vectors.
    Lanes<std::int32_t> y;
    for (std::size_t c = 0; c < y.size(); ++c) {
      const auto x = static_cast<std::int32_t>((sums[c] + bias_[c]) << left_[c]);
      const std::int64_t p = std::int64_t{x} * value_[c];
      std::uint64_t sum = static_cast<std::uint64_t>(p) + rounding_[c];
      if constexpr (std::same_as<R, double_rounding>) {
        const std::uint64_t below = p < -(std::int64_t{1} << 30) ? ~std::uint64_t{0} : 0;
        sum -= nudge_[c] & below;
      }
      const auto scaled =
          static_cast<std::int32_t>(static_cast<std::uint32_t>(sum >> shift_[c]) + offset_[c]);
      const std::int32_t at_least = scaled < min_ ? min_ : scaled;
      y[c] = at_least > max_ ? max_ : at_least;
    }
    for (std::size_t c = 0; c < y.size(); ++c) {
      to[c] = static_cast<T>(y[c]);
    }
  }

 private:
  template <class V>
  using Lanes = std::array<V, static_cast<std::size_t>(output_block_channels)>;
  Lanes<std::uint64_t> rounding_{};
  Lanes<std::uint64_t> nudge_{};
  Lanes<std::uint64_t> shift_{};
  Lanes<std::uint32_t> bias_{};
  Lanes<std::uint32_t> left_{};
  Lanes<std::uint32_t> offset_{};
  Lanes<std::int32_t> value_{};
  std::int32_t min_;
  std::int32_t max_;
};

/// 64-bit sums (16-bit activations): the scalar stage, channel by channel.
template <Rounding R>
class OutputBlock<R, std::uint64_t> {
 public:
  OutputBlock(const OutputStage& stage, const std::int64_t* bias, index_t first, index_t count) noexcept
      : stage_(stage), bias_(bias), first_(first), count_(count) {}

  template <class T>
  void apply(const std::uint64_t* sums, T* to) const noexcept {
    for (index_t c = 0; c < count_; ++c) {
      const std::uint64_t bias = bias_ == nullptr ? 0U : static_cast<std::uint64_t>(bias_[first_ + c]);
      to[c] = static_cast<T>(stage_.template apply<R>(static_cast<std::int64_t>(sums[c] + bias), first_ + c));
    }
  }

 private:
  const OutputStage& stage_;
  const std::int64_t* bias_;
  index_t first_;
  index_t count_;
};

/// The elements of a block's first `count` channels; `to` has room for no more.
template <class Block, class Sum, class T>
inline void store_block(const Block& block, const Sum* sums, index_t count, T* to) noexcept {
  if (count == output_block_channels) {
    block.apply(sums, to);
    return;
  }
  T whole[output_block_channels];
  block.apply(sums, whole);
  std::memcpy(to, whole, static_cast<std::size_t>(count) * sizeof(T));
}

}  // namespace kinglet::inline KINGLET_TARGET
