// SPDX-License-Identifier: Apache-2.0
// What layers accept, the shapes they make, and how much they compute; nothing here runs.
#include <doctest/doctest.h>

#include <kinglet/nn/inverted_residual.hpp>
#include <kinglet/nn/layers.hpp>
#include <kinglet/nn/sequential.hpp>

using namespace kinglet;
using namespace kinglet::nn;

namespace {

template <class... Layers>
using OnImage = Sequential<Input<std::int8_t, 9, 7, 6, 2>, Layers...>;  // batch 2, 9 x 7 x 6

/// The output behind one layer.
template <class Layer>
constexpr Shape behind = OnImage<Layer>::graph.tensors.back();

constexpr Filter tall{.height = 5, .width = 2, .stride_h = 1, .stride_w = 3, .dilation_h = 2};

}  // namespace

TEST_CASE("shapes behind single layers") {
  CHECK(behind<Conv2D<4, square(3)>> == Shape{2, 9, 7, 4});
  CHECK(behind<Conv2D<4, square(3, 2)>> == Shape{2, 5, 4, 4});
  CHECK(behind<Conv2D<4, square(3, 2).valid()>> == Shape{2, 4, 3, 4});
  CHECK(behind<Conv2D<4, tall>> == Shape{2, 9, 3, 4});
  CHECK(behind<Conv2D<4, tall.valid()>> == Shape{2, 1, 2, 4});  // 5 taps 2 apart reach over all 9 rows
  CHECK(behind<Pointwise<11>> == Shape{2, 9, 7, 11});
  CHECK(behind<DepthwiseConv2D<square(3)>> == Shape{2, 9, 7, 6});
  CHECK(behind<DepthwiseConv2D<square(5, 4).valid(), 3>> == Shape{2, 2, 1, 18});
  CHECK(behind<FullyConnected<10>> == Shape{2, 1, 1, 10});
  CHECK(behind<Mean> == Shape{2, 1, 1, 6});
  CHECK(behind<GlobalAveragePool> == Shape{2, 1, 1, 6});
  CHECK(behind<AveragePool2D<square(2, 2)>> == Shape{2, 5, 4, 6});
  CHECK(behind<MaxPool2D<square(2, 2).valid()>> == Shape{2, 4, 3, 6});
  CHECK(behind<Softmax> == Shape{2, 9, 7, 6});
  CHECK(behind<InvertedResidual<6, 8, 2>> == Shape{2, 5, 4, 8});
}

TEST_CASE("what layers accept") {
  constexpr Shape image{1, 4, 4, 3};
  CHECK(Conv2D<1, square(4).valid()>::accepts(image));
  CHECK_FALSE(Conv2D<1, square(5).valid()>::accepts(image));
  CHECK(Conv2D<1, square(5)>::accepts(image));  // padded
  CHECK_FALSE(Conv2D<0, square(1)>::accepts(image));
  CHECK_FALSE(Conv2D<1, square(0)>::accepts(image));
  CHECK_FALSE(Conv2D<1, square(1, 0)>::accepts(image));
  CHECK_FALSE(Conv2D<1, Filter{.dilation_w = 0}>::accepts(image));
  CHECK_FALSE(Conv2D<1, Filter{.height = 2, .dilation_h = 4}.valid()>::accepts(image));
  CHECK_FALSE(DepthwiseConv2D<square(3), 0>::accepts(image));
  CHECK_FALSE(DepthwiseConv2D<square(5).valid()>::accepts(image));
  CHECK_FALSE(MaxPool2D<square(5).valid()>::accepts(image));
  CHECK_FALSE(AveragePool2D<square(5).valid()>::accepts(image));
  CHECK_FALSE(FullyConnected<0>::accepts(image));
  CHECK_FALSE(InvertedResidual<0, 8>::accepts(image));
  CHECK_FALSE(InvertedResiduals<1, 8, 0, 1>::accepts(image));
  CHECK(AcceptsInput<Conv2D<1, square(4).valid()>, Extents<1, 4, 4, 3>>);
  CHECK_FALSE(AcceptsInput<Conv2D<1, square(4).valid()>, Extents<1, 3, 4, 3>>);
}

TEST_CASE("operators of an inverted residual: expand, depthwise, project, add") {
  using Block = OnImage<InvertedResidual<6, 6>>;
  REQUIRE(Block::step_count == 4);
  const auto& steps = Block::graph.steps;
  CHECK(steps[0].op == Operator::conv2d);
  CHECK(steps[0].filter == Filter{.activation = Activation::relu6});
  CHECK(steps[1].op == Operator::depthwise_conv2d);
  CHECK(steps[1].filter == square(3).with(Activation::relu6));
  CHECK(steps[2].filter == Filter{});  // linear
  CHECK(steps[3] == Step{.op = Operator::add, .input = 0, .other = 3, .output = 4});
  CHECK(Block::graph.shape(1) == Shape{2, 9, 7, 36});

  CHECK(OnImage<InvertedResidual<1, 6>>::step_count == 3);     // nothing to expand
  CHECK(OnImage<InvertedResidual<6, 8>>::step_count == 3);     // other channels: nothing to add
  CHECK(OnImage<InvertedResidual<6, 6, 2>>::step_count == 3);  // other size
  CHECK(OnImage<InvertedResiduals<6, 8, 3, 2>>::step_count == 3 + 4 + 4);
}

TEST_CASE("multiply-accumulates") {
  CHECK(OnImage<Conv2D<4, square(3, 2)>>::macs == 2 * 5 * 4 * 4 * 3 * 3 * 6);  // padding counts
  CHECK(OnImage<DepthwiseConv2D<square(3), 2>>::macs == 2 * 9 * 7 * 12 * 3 * 3);
  CHECK(OnImage<FullyConnected<10>>::macs == 2 * 10 * 9 * 7 * 6);
  CHECK(OnImage<Mean, Softmax>::macs == 0);
}

TEST_CASE("the arena holds what is alive together, and additions write over a summand") {
  // 756 bytes in, 504 out, side by side; the filter's widened copy is scratch.
  constexpr std::size_t image = 2 * 9 * 7 * 6;
  CHECK(OnImage<Mean>::arena_bytes == align_up(image) + 16);
  CHECK(OnImage<Softmax>::arena_bytes == align_up(image));  // in place
  using Block = OnImage<InvertedResidual<1, 6>>;  // input, depthwise, projected; the sum on one of them
  CHECK(Block::plan.tensors[3] == Block::plan.tensors[2]);
  CHECK(Block::plan.tensors[3] != Block::plan.tensors[0]);
}

TEST_CASE("a filter's forms") {
  CHECK(square(3) == Filter{.height = 3, .width = 3});
  CHECK(square(3, 2) == Filter{.height = 3, .width = 3, .stride_h = 2, .stride_w = 2});
  CHECK(square(3).valid().padding == Padding::valid);
  CHECK(square(3).with(Activation::relu).activation == Activation::relu);
  // SAME over 9 rows with stride 2: 5 outputs, (5 - 1) 2 + 3 - 9 = 2 rows of padding, one of them in front.
  CHECK(square(3, 2).window({1, 9, 8, 1}) == Window{2, 2, 1, 1, 1, 0});
}
