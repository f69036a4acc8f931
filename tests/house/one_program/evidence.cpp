// SPDX-License-Identifier: Apache-2.0
/// @file house/one_program/evidence.cpp
/// Compiled several times into one program, each with a KINGLET_EVIDENCE of its own. Without optimization, so that
/// inline functions are real symbols that the linker could mix up.
#include <kinglet/kinglet.hpp>

#include "evidence.hpp"

namespace {

using namespace kinglet;

// FNV-1a, and a small generator that is the same everywhere.
struct Mixer {
  std::uint64_t hash = 14695981039346656037U;
  std::uint32_t state = 1;
  void add(std::int64_t value) { hash = (hash ^ static_cast<std::uint64_t>(value)) * 1099511628211U; }
  std::int32_t next() {
    state = state * 1664525U + 1013904223U;
    return static_cast<std::int32_t>(state);
  }
};

template <Rounding R>
void mix_requantize(Mixer& mixer) {
  for (int i = 0; i < 1000; ++i) {
    const std::int32_t x = mixer.next() >> (i % 20);
    const Multiplier m = make_multiplier(static_cast<double>(i + 1) / 777.0);
    mixer.add(requantize<R>(x, m));
    mixer.add(requantize<R>(std::int64_t{x}, m));
  }
}

// A 3x3 convolution with 19 channels in and 21 out, by the reference and by this target's kernel: no width divides
// them.
template <Rounding R>
void mix_convolutions(Mixer& mixer) {
  static Tensor<std::int8_t, Extents<1, 7, 9, 19>> input;
  static Tensor<std::int8_t, Extents<21, 3, 3, 19>> filter;
  static Tensor<std::int8_t, Extents<1, 7, 9, 21>> output;
  alignas(64) static std::array<std::byte, 1 << 16> scratch;
  for (std::size_t i = 0; i < input.size(); ++i) {
    input.data()[i] = static_cast<std::int8_t>(mixer.next() >> 24);
  }
  for (std::size_t i = 0; i < filter.size(); ++i) {
    filter.data()[i] = static_cast<std::int8_t>(mixer.next() >> 24);
  }
  std::array<Multiplier, 21> multipliers{};
  for (std::size_t i = 0; i < multipliers.size(); ++i) {
    multipliers[i] = make_multiplier(0.001 * static_cast<double>(i + 1));
  }
  const Convolution<std::int8_t, std::int8_t, Nhwc, Ohwi, Nhwc> tensors{
      std::as_const(input).view(), std::as_const(filter).view(), nullptr, output.view()};
  const ConvolutionQuantization q{-3, 0, {multipliers.data(), 5, -128, 127}};
  const Window window{1, 1, 1, 1, 1, 1};
  const auto add_output = [&] {
    for (std::size_t i = 0; i < output.size(); ++i) {
      mixer.add(output.data()[i]);
      output.data()[i] = 0;
    }
  };
  conv2d::Reference::run<R>(window, tensors, q);
  add_output();
  using Kernel = select::native::conv2d;
  alignas(64) static std::array<std::byte, 1 << 15> packed;
  if (Kernel::scratch_bytes(window, tensors) <= scratch.size() &&
      Kernel::packed_bytes(tensors) <= packed.size()) {
    Kernel::pack<R>(tensors, q, packed.data());
    Kernel::run<R>(window, tensors, q, {packed.data(), scratch.data()});
  }
  add_output();
}

}  // namespace

Evidence KINGLET_EVIDENCE() {
  Mixer mixer;
  mix_requantize<double_rounding>(mixer);
  mix_requantize<double_rounding_upward>(mixer);
  mix_requantize<single_rounding>(mixer);
  mix_convolutions<double_rounding>(mixer);
  mix_convolutions<double_rounding_upward>(mixer);
  return {isa::native::name,
          mixer.hash,
          {reinterpret_cast<const void*>(&rounding_divide_by_pot),
           reinterpret_cast<const void*>(&double_rounding::scale),
           reinterpret_cast<const void*>(&plan_memory), &buffer_alignment}};
}
