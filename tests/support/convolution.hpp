// SPDX-License-Identifier: Apache-2.0
/// @file support/convolution.hpp
/// Random convolutions whose outputs are mostly inside the clamp, and the comparison of two kernels on them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <kinglet/kernels/convolution.hpp>
#include <memory>

#include "support/random.hpp"

namespace test {

/// T: activations, W: weights, R: rounding policy.
template <class ActivationType, class WeightType, class Rounding>
struct Kind {
  using T = ActivationType;
  using W = WeightType;
  using R = Rounding;
};

/// Every pair of element types and every policy; 16-bit activations have one rounding of their own.
#define KINGLET_CONVOLUTION_KINDS                                                                          \
  Kind<std::int8_t, std::int8_t, double_rounding>, Kind<std::int8_t, std::int8_t, double_rounding_upward>, \
      Kind<std::int8_t, std::int8_t, single_rounding>,                                                     \
      Kind<std::uint8_t, std::uint8_t, double_rounding_upward>,                                            \
      Kind<std::int16_t, std::int8_t, double_rounding>

/// Elements of a convolution's tensors.
struct Sizes {
  std::size_t input;
  std::size_t filter;
  std::size_t output;
  kinglet::index_t channels;  ///< of the output
  std::size_t terms;          ///< products summed for one output
};

template <class K>
class RandomConvolution {
 public:
  using T = typename K::T;
  using W = typename K::W;
  using Bias = kinglet::accumulator_t<T>;

  RandomConvolution(const Sizes& sizes, Random& random)
      : input(sizes.input),
        filter(sizes.filter, 3),
        bias(static_cast<std::size_t>(sizes.channels)),
        expected(sizes.output),
        actual(sizes.output + guard, 2),
        multipliers(static_cast<std::size_t>(sizes.channels)),
        has_bias(!random.one_in(8)) {
    std::generate(input.begin(), input.end(), [&] { return random.element<T>(); });
    std::generate(filter.begin(), filter.end(), [&] { return random.element<W>(); });
    // A product is about 2^12 (8-bit) or 2^20 (16-bit), a sum of n about sqrt(n) times that.
    const int sum_bits = (sizeof(T) == 1 ? 12 : 20) + static_cast<int>(std::bit_width(sizes.terms)) / 2;
    const int wanted_bits = sizeof(T) == 1 ? 6 : 14;
    for (std::size_t o = 0; o < multipliers.size(); ++o) {
      multipliers[o] = {random.in<std::int32_t>(1 << 30, INT32_MAX),
                        random.one_in(8) ? random.in(-31, 14) : wanted_bits - sum_bits + random.in(-2, 2)};
      const Bias large = sizeof(T) == 1 ? Bias{1} << 30 : static_cast<Bias>(std::int64_t{1} << 44);
      const Bias small = static_cast<Bias>(Bias{1} << sum_bits);
      const int kind = random.in(0, 15);
      bias.data()[o] = kind == 0   ? static_cast<Bias>(large - random.in(0, 9))
                       : kind == 1 ? static_cast<Bias>(-large + random.in(0, 9))
                       : kind == 2 ? static_cast<Bias>(large + (large - 1) - random.in(0, 999))  // sums wrap
                                   : random.in<Bias>(static_cast<Bias>(-small), small);
    }
    constexpr std::int32_t lowest = std::numeric_limits<T>::min();
    constexpr std::int32_t highest = std::numeric_limits<T>::max();
    q.input_zero_point = sizeof(T) == 2 && !random.one_in(4) ? 0 : random.element<T>();
    q.filter_zero_point = std::same_as<W, std::int8_t> && !random.one_in(4) ? 0 : random.element<W>();
    const bool relu = random.one_in(3);
    q.output = {multipliers.data(), sizeof(T) == 2 ? 0 : random.in(lowest, highest), lowest, highest};
    q.output.min = relu ? q.output.zero_point : lowest;
  }

  template <class I, class F, class O>
  [[nodiscard]] kinglet::Convolution<T, W, I, F, O> tensors(Misaligned<T>& to, const I& in, const F& weights,
                                                            const O& out) {
    return {{input.data(), in}, {filter.data(), weights}, has_bias ? bias.data() : nullptr, {to.data(), out}};
  }

  /// Exactly as many bytes as a kernel asked for, with rubbish in them.
  [[nodiscard]] std::byte* scratch(std::size_t bytes) {
    scratch_ = std::make_unique<std::byte[]>(bytes);
    std::fill_n(scratch_.get(), bytes, std::byte{0xa5});
    std::fill(actual.begin(), actual.end(), unwritten);
    return scratch_.get();
  }

  /// All outputs agree, and nothing behind them was written.
  [[nodiscard]] bool agree() const {
    const T* const end = actual.data() + expected.size();
    return std::equal(actual.data(), end, expected.data()) &&
           std::all_of(end, end + guard, [](T e) { return e == unwritten; });
  }

  static constexpr std::size_t guard = 32;
  static constexpr T unwritten = 0x5a;
  Misaligned<T> input;
  Misaligned<W> filter;
  Misaligned<Bias> bias;
  Misaligned<T> expected;
  Misaligned<T> actual;
  std::vector<kinglet::Multiplier> multipliers;
  bool has_bias;
  kinglet::ConvolutionQuantization q{};

 private:
  std::unique_ptr<std::byte[]> scratch_;
};

}  // namespace test
