// SPDX-License-Identifier: Apache-2.0
// MobileNetV2 as a type against what its authors published: channels, shapes, multiply-accumulates, parameters.
#include <doctest/doctest.h>

#include <array>
#include <kinglet/nn/mobilenet_v2.hpp>

using namespace kinglet;
using namespace kinglet::nn;

namespace {

/// Channels behind the first convolution, the seven rows of blocks and the last convolution.
constexpr std::array<index_t, 9> full = {32, 16, 24, 32, 64, 96, 160, 320, 1280};
struct Width {
  index_t percent;
  std::array<index_t, 9> channels;
};
constexpr Width widths[] = {
    {35, {16, 8, 8, 16, 24, 32, 56, 112, 1280}},      {50, {16, 8, 16, 16, 32, 48, 80, 160, 1280}},
    {75, {24, 16, 24, 24, 48, 72, 120, 240, 1280}},   {100, {32, 16, 24, 32, 64, 96, 160, 320, 1280}},
    {130, {40, 24, 32, 40, 80, 128, 208, 416, 1664}}, {140, {48, 24, 32, 48, 88, 136, 224, 448, 1792}},
};

/// Weights and biases of a network.
template <class A>
constexpr std::uint64_t parameters() {
  std::uint64_t sum = 0;
  for (const Step& step : A::graph.steps) {
    if (has_weights(step.op)) {
      sum += A::graph.filter_shape(step).size() +
             static_cast<std::uint64_t>(A::graph.shape(step.output).channels);
    }
  }
  return sum;
}

/// Millions, rounded.
constexpr std::uint64_t millions(std::uint64_t n) {
  return (n + 500'000) / 1'000'000;
}

template <index_t Percent, index_t Size = 224>
using Keras = MobileNetV2<Percent, Size>;

/// About as many steps as are planned most thoroughly: compilers bound what they compute.
using LargestThorough =
    Sequential<Input<std::int8_t, 96, 96, 3>, Conv2D<16, square(3, 2)>, InvertedResidual<6, 16>,
               InvertedResidual<6, 24, 2>, InvertedResidual<6, 24>, InvertedResidual<6, 32, 2>,
               InvertedResidual<6, 32>, InvertedResidual<6, 32>, InvertedResidual<6, 64, 2>,
               InvertedResidual<6, 64>, InvertedResidual<6, 64>, Mean>;
static_assert(LargestThorough::step_count <= large_network &&
              LargestThorough::step_count + 2 >= large_network);
static_assert(PlannedGraph<std::int8_t, LargestThorough::graph, Aim::automatic>::plan.bytes != unplannable);
static_assert(PlannedGraph<std::int8_t, LargestThorough::graph, Aim::small>::plan.bytes != unplannable);

}  // namespace

TEST_CASE("channels at every published width") {
  for (const Width& width : widths) {
    for (std::size_t i = 0; i < full.size(); ++i) {
      const index_t percent =
          i == 8 && width.percent < 100 ? 100 : width.percent;  // the last one is not thinned
      INFO(width.percent, " % of ", full[i]);
      CHECK(scaled_channels(full[i], percent) == width.channels[i]);
    }
  }
  CHECK(scaled_channels(8, 10) == 8);    // never below 8
  CHECK(scaled_channels(32, 35) == 16);  // 11.2: 8 would be a tenth too few
}

TEST_CASE("the channels are those of the network's layers") {
  using A = Keras<140>;
  CHECK(A::graph.shape(1) == Shape{1, 112, 112, 48});
  CHECK(A::graph.shape(A::graph.steps[2].output) == Shape{1, 112, 112, 24});
  CHECK(A::graph.shape(static_cast<index_t>(A::tensor_count) - 4) == Shape{1, 7, 7, 1792});
}

TEST_CASE("MobileNetV2 1.0/224: its operators, shapes and size") {
  using A = Keras<100>;
  CHECK(std::is_same_v<A::input_extents, Extents<1, 224, 224, 3>>);
  CHECK(std::is_same_v<A::output_extents, Extents<1, 1, 1, 1000>>);
  std::array<int, 8> count{};
  for (const Step& step : A::graph.steps) {
    ++count[static_cast<std::size_t>(step.op)];
  }
  CHECK(count[static_cast<std::size_t>(Operator::conv2d)] ==
        36);  // 1 + 17 projections, 16 expansions, 1 + 1 at the end
  CHECK(count[static_cast<std::size_t>(Operator::depthwise_conv2d)] == 17);
  CHECK(count[static_cast<std::size_t>(Operator::add)] == 10);
  CHECK(count[static_cast<std::size_t>(Operator::mean)] == 1);
  CHECK(count[static_cast<std::size_t>(Operator::softmax)] == 1);
  CHECK(A::step_count == 65);
  CHECK(A::macs == 300'774'272);
  // 3.47 million with batch normalization's two numbers a channel; folded into bias, it is one.
  CHECK(parameters<A>() == 3'487'816);
  CHECK(A::arena_bytes <= 1'520'000);
}

TEST_CASE("multiply-accumulates published for other widths and sizes, in millions") {
  CHECK(millions(Keras<140>::macs) == 582);
  CHECK(millions(Keras<130>::macs) == 509);
  CHECK(millions(Keras<75>::macs) == 209);
  CHECK(millions(Keras<50>::macs) == 97);
  CHECK(millions(Keras<35>::macs) == 59);
  CHECK(millions(Keras<100, 192>::macs) == 221);
  CHECK(millions(Keras<100, 160>::macs) == 154);
  CHECK(millions(Keras<100, 128>::macs) == 99);
  CHECK(millions(Keras<100, 96>::macs) == 56);
}
