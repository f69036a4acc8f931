// SPDX-License-Identifier: Apache-2.0
/// @file nn/constant_network.cpp
/// A network whose weights are packed while the program is compiled equals the one that packs them when it runs.
#include <doctest/doctest.h>

#include <kinglet/nn/inverted_residual.hpp>
#include <kinglet/nn/layers.hpp>
#include <kinglet/nn/network.hpp>
#include <memory>

#include "support/random.hpp"

// Under gcc's -fsanitize=undefined an address compared with null is no constant, so nothing here could be one.
#if defined(__SANITIZE_ADDRESS__)
TEST_CASE("constant networks") {
  MESSAGE("skipped: sanitizers keep gcc from comparing addresses while compiling");
}
#else

using namespace kinglet;

namespace {

/// Every operator that packs weights, and a table; 9 and 18 channels fill no register.
template <class T>
using Architecture =
    nn::Sequential<nn::Input<T, 6, 5, 3>, nn::Conv2D<9, nn::square(3, 2).with(Activation::relu6)>,
                   nn::InvertedResidual<2, 9>, nn::Mean, nn::FullyConnected<4>, nn::Softmax>;

template <class T>
struct Constants {
  using W = nn::weight_for_t<T>;
  static constexpr std::size_t most = 9 * 9 * 3;
  W weights[most]{};
  std::int32_t bias[18]{};
  float scale[1] = {0.01F};

  constexpr Constants() {
    for (std::size_t i = 0; i < most; ++i) {
      weights[i] = static_cast<W>(static_cast<std::int32_t>(i * 89 % 251) - (std::is_signed_v<W> ? 125 : 0));
    }
    for (std::int32_t o = 0; o < 18; ++o) {
      bias[o] = o * 211 - 1900;
    }
  }
};
template <class T>
inline constexpr Constants<T> constants{};

template <class Parameters>
constexpr Parameters given() {
  using A = Architecture<typename Parameters::T>;
  using T = typename A::element_type;
  Parameters p;
  for (std::size_t tensor = 0; tensor < A::tensor_count; ++tensor) {
    p.quantization[tensor] = {static_cast<float>(6 + tensor) / 100, std::is_signed_v<T> ? -20 : 108};
  }
  p.quantization[A::tensor_count - 1] = {1.0F / 256, std::is_signed_v<T> ? -128 : 0};
  for (std::size_t step = 0; step < A::step_count; ++step) {
    if (nn::has_weights(A::graph.steps[step].op)) {
      p.weights[step] = {.filter = constants<T>.weights,
                         .bias = constants<T>.bias,
                         .scale = constants<T>.scale,
                         .zero_point = std::is_signed_v<T> ? 0 : 121};
    }
  }
  return p;
}

template <class T>
constexpr nn::Parameters<Architecture<T>> prepared_parameters() {
  auto p = given<nn::Parameters<Architecture<T>>>();
  return p.template prepare<profile::tflm>().ok() ? p : nn::Parameters<Architecture<T>>{};
}

template <class T>
constexpr nn::Network<Architecture<T>> prepared_network() {
  using A = Architecture<T>;
  const auto p = given<nn::Parameters<A>>();
  nn::Network<A> network;
  for (std::size_t tensor = 0; tensor < A::tensor_count; ++tensor) {
    network.set_quantization(tensor, p.quantization[tensor]);
  }
  for (std::size_t step = 0; step < A::step_count; ++step) {
    network.set_weights(step, p.weights[step]);
  }
  return network.prepare().ok() ? network : nn::Network<A>{};
}

}  // namespace

TEST_CASE_TEMPLATE("parameters prepared by the compiler are those prepared at run time", T, std::int8_t,
                   std::uint8_t) {
  static constexpr auto constant = prepared_parameters<T>();
  const auto computed = std::make_unique<nn::Parameters<Architecture<T>>>(prepared_parameters<T>());
  CHECK(constant.packed == computed->packed);
  CHECK(constant.multipliers == computed->multipliers);
  CHECK(constant.tables == computed->tables);
  CHECK(constant.multipliers[0].value != 0);  // it was prepared
  // Kernels that pack find their weights where the plan has them: cache lines.
  CHECK(is_aligned(computed->packed.data(), nn::packed_alignment));
  CHECK(is_aligned(constant.packed.data(), nn::packed_alignment));
}

TEST_CASE_TEMPLATE("a constant network computes what one prepared at run time does", T, std::int8_t,
                   std::uint8_t) {
  using Network = nn::Network<Architecture<T>>;
  static constexpr Network constant = prepared_network<T>();
  const auto computed = std::make_unique<Network>(prepared_network<T>());
  alignas(buffer_alignment) static std::byte arena[2][Network::arena_bytes];
  test::Random random(61);
  bool varies = false;
  T first{};
  for (int run = 0; run < 100; ++run) {
    const auto input = Network::input(arena[0]);
    const auto same_input = Network::input(arena[1]);
    for (std::size_t i = 0; i < input.size(); ++i) {
      input.data()[i] = same_input.data()[i] = random.element<T>();
    }
    constant.run(arena[0]);
    computed->run(arena[1]);
    const auto output = Network::output(arena[0]);
    CHECK(std::equal(output.data(), output.data() + output.size(), Network::output(arena[1]).data()));
    first = run == 0 ? output(0, 0, 0, 0) : first;
    varies = varies || output(0, 0, 0, 0) != first;
  }
  CHECK(varies);
}

#endif
