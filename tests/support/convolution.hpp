// SPDX-License-Identifier: Apache-2.0
/// @file support/convolution.hpp
/// Random convolutions whose outputs are mostly inside the clamp, and the comparison of an operator's kernels on them.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <kinglet/kernels/convolution.hpp>
#include <kinglet/kernels/memory.hpp>
#include <kinglet/kernels/stream/pipeline.hpp>
#include <kinglet/kernels/stream/row_use.hpp>
#include <kinglet/kernels/unsigned_bytes.hpp>
#include <optional>
#include <string>

#include "support/guarded.hpp"

namespace test {

/// T: activations, W: weights, R: rounding policy.
template <class ActivationType, class WeightType, class Rounding>
struct Kind {
  using T = ActivationType;
  using W = WeightType;
  using R = Rounding;
};

/// Every pair of element types and every policy; 16-bit activations have one rounding of their own.
#if defined( \
    KINGLET_FEW_CONVOLUTION_KINDS)  // policies differ in the output stage only, which has tests of its own
#define KINGLET_CONVOLUTION_KINDS                                                                     \
  Kind<std::int8_t, std::int8_t, double_rounding>, Kind<std::uint8_t, std::uint8_t, double_rounding>, \
      Kind<std::int16_t, std::int8_t, double_rounding>
#else
#define KINGLET_CONVOLUTION_KINDS                                                                          \
  Kind<std::int8_t, std::int8_t, double_rounding>, Kind<std::int8_t, std::int8_t, double_rounding_upward>, \
      Kind<std::int8_t, std::int8_t, single_rounding>, Kind<std::uint8_t, std::uint8_t, double_rounding>,  \
      Kind<std::int16_t, std::int8_t, double_rounding>
#endif

/// Channels around registers' and blocks' ends: 1 to 4 vectors of 16 lanes, and more than one block.
inline constexpr std::array<kinglet::index_t, 32> channel_counts{
    1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,  14,  15,  16,
    17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 96, 97, 127, 130, 144, 150};

/// An operator's kernels: its reference, the one for every target, and the one of the target that is tested.
template <class Reference, class Generic, class Native>
struct Kernels {
  using reference = Reference;
  using generic = Generic;
  using native = Native;
};

/// Elements of a convolution's tensors.
struct Sizes {
  std::size_t input;
  std::size_t filter;
  std::size_t output;
  kinglet::index_t channels;  ///< of the output
  std::size_t terms;          ///< products summed for one output
};

/// @tparam Memory of the tensors and of what kernels ask for: Misaligned or Guarded.
template <class K, template <class> class Memory = Misaligned>
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
        has_bias(!random.one_in(8)),
        offset_(16 * random.in<std::size_t>(0, 3)) {
    std::generate(input.begin(), input.end(), [&] { return random.element<T>(); });
    std::generate(filter.begin(), filter.end(), [&] { return random.element<W>(); });
    // A product is about 2^12 (8-bit) or 2^20 (16-bit), a sum of n about sqrt(n) times that.
    const int sum_bits = (sizeof(T) == 1 ? 12 : 20) + static_cast<int>(std::bit_width(sizes.terms)) / 2;
    const bool ordinary = random.one_in(2);  // as in real networks: no channel is far from the others
    choose_multipliers((sizeof(T) == 1 ? 6 : 14) - sum_bits, ordinary, random);
    for (Bias& b : bias) {
      const Bias large = sizeof(T) == 1 ? Bias{1} << 30 : static_cast<Bias>(std::int64_t{1} << 44);
      const Bias small = static_cast<Bias>(Bias{1} << sum_bits);
      const int kind = ordinary ? 15 : random.in(0, 15);
      b = kind == 0   ? static_cast<Bias>(large - random.in(0, 9))
          : kind == 1 ? static_cast<Bias>(-large + random.in(0, 9))
          : kind == 2 ? static_cast<Bias>(large + (large - 1) - random.in(0, 999))  // sums wrap
                      : random.in<Bias>(static_cast<Bias>(-small), small);
    }
    q.input_zero_point = sizeof(T) == 2 && !random.one_in(4) ? 0 : random.element<T>();
    q.filter_zero_point = std::same_as<W, std::int8_t> && !random.one_in(4) ? 0 : random.element<W>();
    choose_clamp(random);
  }

  /// The tensors, with outputs in `to`.
  template <class I, class F, class O>
  [[nodiscard]] kinglet::Convolution<T, W, I, F, O> tensors(Memory<T>& to, const I& in, const F& weights,
                                                            const O& out) {
    return {{input.data(), in}, {filter.data(), weights}, has_bias ? bias.data() : nullptr, {to.data(), out}};
  }

  /// The name of an operator's first kernel that differs from its reference or writes behind its outputs; empty when
  /// all is well. The last arguments are the operator's own: a Window, or nothing.
  template <class Operator, class I, class F, class O, class... Own>
  [[nodiscard]] std::string differing(const I& in, const F& weights, const O& out, const Own&... own) {
    using Generic = typename Operator::generic;
    using Native = typename Operator::native;
    const auto expect = [&] {
      const auto shapes_at_run_time = decay(tensors(expected, in, weights, out));
      Operator::reference::template run<typename K::R>(own..., shapes_at_run_time, q);
    };
    const auto equals = [&]<class Kernel>(const Kernel&) {
      const auto given = tensors(actual, in, weights, out);
      run<Kernel>(given, Kernel::scratch_bytes(own..., given), own...);
      return agree();
    };
    const auto equals_over = [&]<class Kernel>(const Kernel&) {
      const auto given = tensors(actual, in, weights, out);
      return equals_over_input<Kernel>(given, Kernel::scratch_bytes(own..., given), own...);
    };
    const auto foresees_slices = [&]<class Kernel>(const Kernel&) {
      const auto given = decay(tensors(actual, in, weights, out));
      bool foresees = true;
      if constexpr (O::rank() == 4) {
        foresees = foresees_scratch<Kernel>(given, own...);
        if constexpr (std::same_as<T, std::int8_t>) {
          foresees = foresees && foresees_scratch<Kernel>(as_unsigned(given), own...);
        }
      }
      return foresees;
    };
    if (!foresees_slices(Generic{}) || !foresees_slices(Native{})) {
      return "scratch for some rows is more than for one, two, and all";
    }
    expect();
    if (!equals(Generic{})) {
      return std::string(Generic::name);
    }
    if (!equals_over(Generic{})) {
      return std::string(Generic::name) + " over its input";
    }
    if constexpr (!std::same_as<Generic, Native>) {
      // Target's kernels may rely on what the generic one does not: int8 weights have zero point 0.
      if (std::same_as<W, std::int8_t> && q.filter_zero_point != 0) {
        q.filter_zero_point = 0;
        expect();
      }
      if (!equals(Native{})) {
        return std::string(Native::name);
      }
      if (!equals_over(Native{})) {
        return std::string(Native::name) + " over its input";
      }
      if constexpr (std::same_as<T, std::int8_t>) {
        const auto given = tensors(actual, in, weights, out);
        if (keeps_unsigned<Native>(given) && !equals_unsigned<Native>(in, weights, out, own...)) {
          return std::string(Native::name) + " with unsigned bytes";
        }
      }
    }
    return "";
  }

  static constexpr std::size_t guard = 32;
  static constexpr T unwritten = 0x5a;
  Memory<T> input;
  Memory<W> filter;
  Memory<Bias> bias;
  Memory<T> expected;
  Memory<T> actual;
  std::vector<kinglet::Multiplier> multipliers;
  bool has_bias;
  kinglet::ConvolutionQuantization q{};

 private:
  /// Some layers have multipliers of any size, others only ones below one half, as layers of real networks do; and
  /// some only powers of two, whose products have ties.
  void choose_multipliers(int usual_shift, bool ordinary, Random& random) {
    const bool any_size = !ordinary && random.one_in(3);
    const bool ties = random.one_in(3);
    const int most = !any_size ? -1 : sizeof(T) == 1 ? 30 : kinglet::Int16Limits::max_shift;
    for (kinglet::Multiplier& m : multipliers) {
      const int shift = !ordinary && random.one_in(8) ? random.in(-31, most) : usual_shift + random.in(-2, 2);
      m = {ties ? 1 << 30 : random.in<std::int32_t>(1 << 30, INT32_MAX), shift};
    }
  }

  /// Linear, RELU, RELU6 or RELU_N1_TO_1: the zero point is never outside the clamp.
  void choose_clamp(Random& random) {
    constexpr std::int32_t lowest = std::numeric_limits<T>::min();
    constexpr std::int32_t highest = std::numeric_limits<T>::max();
    const std::int32_t zero_point = sizeof(T) == 2 ? 0 : random.in(lowest, highest);
    const int kind = random.in(0, 5);
    q.output = {multipliers.data(), zero_point, lowest, highest};
    if (kind >= 3) {
      q.output.min = kind == 5 ? random.in(lowest, zero_point) : zero_point;
      q.output.max = kind == 3 ? highest : random.in(zero_point, highest);
    }
  }

  /// Packs and runs a kernel in exactly as many bytes as it asks for, at any multiple of 16, with rubbish in them.
  template <class Kernel, class C, class... Own>
  void run(const C& given, std::size_t scratch_bytes, const Own&... own) {
    std::optional<Memory<std::byte>> packed;
    std::optional<Memory<std::byte>> scratch;
    const auto make = [&](std::optional<Memory<std::byte>>& memory, std::size_t bytes) -> std::byte* {
      if (bytes == 0) {
        return nullptr;
      }
      memory.emplace(bytes, offset_);
      std::fill(memory->begin(), memory->end(), std::byte{0xa5});
      return memory->data();
    };
    std::fill(actual.begin(), actual.end(), unwritten);
    std::byte* const weights = make(packed, Kernel::packed_bytes(given));
    Kernel::template pack<typename K::R>(given, q, weights);
    Kernel::template run<typename K::R>(own..., given, q,
                                        kinglet::KernelMemory{weights, make(scratch, scratch_bytes)});
  }

  /// Whether scratch for as many rows as stream at once is enough for fewer, and that for the whole image, or for more rows
  /// if they want more, for any number.
  template <class Kernel, class C, class... Own>
  [[nodiscard]] static bool foresees_scratch(const C& given, const Own&... own) {
    const kinglet::index_t rows = given.output.extent(1);
    const std::int32_t batch = kinglet::stream::row_batch(given.output.extent(2), rows);
    const auto bytes = [&](kinglet::index_t count) {
      C slice = given;
      slice.output = {nullptr, with_height(given.output.extents(), count)};
      if constexpr (sizeof...(Own) == 1) {
        const auto window = (own, ...);
        auto use =
            kinglet::stream::window_rows(window, given.filter.extent(1), given.input.extent(1), slice.output);
        use.batch = count;
        slice.input = {nullptr, with_height(given.input.extents(), most_input_rows(use))};
        return Kernel::scratch_bytes(kinglet::stream::window_of(window, {}), slice);
      } else {
        slice.input = {nullptr, with_height(given.input.extents(), count)};
        return Kernel::scratch_bytes(slice);
      }
    };
    const auto enough = [&](std::size_t most, kinglet::index_t count) {
      while (count > 0 && bytes(count) <= most) {
        --count;
      }
      return count == 0;
    };
    std::size_t any = Kernel::scratch_bytes(own..., given);
    for (const auto width : {kinglet::fewest_rows, kinglet::more_rows, kinglet::most_rows}) {
      const auto few = widened(kinglet::stream::RowUse{.rows = rows, .batch = batch}, width).batch;
      if (!enough(bytes(few), few)) {
        return false;
      }
      any = width == kinglet::more_rows ? std::max(any, bytes(few)) : any;
    }
    return enough(any, rows);
  }
  [[nodiscard]] static kinglet::Nhwc with_height(const kinglet::Nhwc& extents, kinglet::index_t height) {
    return kinglet::Nhwc{extents.extent(0), height, extents.extent(2), extents.extent(3)};
  }

  /// Whether a kernel's outputs are the same where they may lie over its inputs: from their beginning, or lower.
  template <class Kernel, class C, class... Own>
  [[nodiscard]] bool equals_over_input(const C& given, std::size_t scratch_bytes, const Own&... own) {
    bool equal = true;
    if (kinglet::may_overwrite<Kernel>(given)) {
      equal = equals_below_input<Kernel>(given, 0, scratch_bytes, own...);
    }
    if constexpr (sizeof...(Own) == 1) {
      const bool lies_in_order = (... && (own.ring == 0));
      if (lies_in_order && kinglet::keeps_row_order<Kernel>(given)) {
        equal = equal && equals_below_input<Kernel>(given, least_lag(given, own...), scratch_bytes, own...);
      }
    }
    return equal;
  }

  /// Elements by which an output must begin lower than the input, for no row of it to lie on what is still read: found by
  /// trying, pixel by pixel.
  template <class C>
  [[nodiscard]] static std::size_t least_lag(const C& given, const kinglet::Window& window) {
    const auto& in = given.input;
    const auto& out = given.output;
    const auto in_row = std::int64_t{in.extent(2)} * in.extent(3);
    const auto out_row = std::int64_t{out.extent(2)} * out.extent(3);
    std::int64_t lag = 0;
    const auto covers = [&] {
      for (std::int64_t n = 0; n < out.extent(0); ++n) {
        for (std::int64_t y = 0; y < out.extent(1); ++y) {
          const std::int64_t first =
              std::clamp<std::int64_t>(y * window.stride_h - window.pad_top, 0, in.extent(1));
          if ((n * out.extent(1) + y + 1) * out_row - lag > (n * in.extent(1) + first) * in_row) {
            return true;
          }
        }
      }
      return false;
    };
    while (covers()) {
      lag += out.extent(3);
    }
    return static_cast<std::size_t>(lag);
  }

  template <class Kernel, class C, class... Own>
  [[nodiscard]] bool equals_below_input(C given, std::size_t lag, std::size_t scratch_bytes,
                                        const Own&... own) {
    Memory<T> both(std::max(lag + input.size(), expected.size()), 2);
    std::copy(input.begin(), input.end(), both.begin() + static_cast<std::ptrdiff_t>(lag));
    given.input = {both.data() + lag, given.input.extents()};
    given.output = {both.data(), given.output.extents()};
    run<Kernel>(given, scratch_bytes, own...);
    const auto end = both.begin() + static_cast<std::ptrdiff_t>(expected.size());
    const auto left = static_cast<std::ptrdiff_t>(expected.size()) - static_cast<std::ptrdiff_t>(lag);
    return std::equal(expected.begin(), expected.end(), both.begin()) &&
           std::equal(end, both.end(), input.begin() + std::max<std::ptrdiff_t>(left, 0));
  }

  /// Whether a kernel keeps unsigned bytes: the same activations, in each of the three ways to have some of them so.
  template <class Kernel, class I, class F, class O, class... Own>
  [[nodiscard]] bool equals_unsigned(const I& in, const F& weights, const O& out, const Own&... own) {
    const auto change = [](Memory<T>& elements) {
      for (T& element : elements) {
        element = static_cast<T>(static_cast<unsigned char>(element) ^ 0x80U);
      }
    };
    bool equal = true;
    for (const auto& [input_is, output_is] : {std::pair{true, false}, {true, true}, {false, true}}) {
      input_is ? change(input) : void();
      output_is ? change(expected) : void();
      q.unsigned_input = input_is;
      q.unsigned_output = output_is;
      const auto given = tensors(actual, in, weights, out);
      const std::size_t scratch_bytes =
          input_is ? Kernel::scratch_bytes(own..., as_unsigned(given)) : Kernel::scratch_bytes(own..., given);
      run<Kernel>(given, scratch_bytes, own...);
      equal = equal && agree() && equals_over_input<Kernel>(given, scratch_bytes, own...);
      input_is ? change(input) : void();
      output_is ? change(expected) : void();
    }
    q.unsigned_input = q.unsigned_output = false;
    return equal;
  }

  /// All outputs agree, and nothing behind them was written.
  [[nodiscard]] bool agree() const {
    const T* const end = actual.data() + expected.size();
    return std::equal(actual.data(), end, expected.data()) &&
           std::all_of(end, end + guard, [](T e) { return e == unwritten; });
  }

  std::size_t offset_;
};

}  // namespace test
