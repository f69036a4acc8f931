// SPDX-License-Identifier: Apache-2.0
// PAD in front of a convolution: the same bits as with a PAD that runs, which one does whose output is the graph's too.
#include <algorithm>
#include <cmath>
#include <kinglet/kernels/pad/reference.hpp>

#include "one_operator.hpp"
#include "operators.hpp"

using namespace kinglet;
using test::Bytes;
using test::Random;
using test::Shape;

namespace {

/// Rows and columns around an image.
struct Amounts {
  std::int32_t top, bottom, left, right;
};

/// expand (1x1) -> PAD -> convolution -> project (1x1), as Keras writes the blocks of stride 2.
struct Case {
  Shape image{1, 9, 8, 3};
  std::int32_t depth = 8;  ///< channels of the padded image
  std::int32_t channels = 8;
  Amounts around{0, 1, 0, 1};
  std::int32_t filter_h = 3;
  std::int32_t filter_w = 3;
  index_t stride = 2;
  index_t dilation = 1;
  Padding padding = Padding::valid;
  bool depthwise = true;
  bool shown = false;  ///< the padded image is an output, so that PAD has to run
  std::int64_t before_channels = 0;

  static Case random(Random& random) {
    Case c;
    c.image = {1, random.in(1, 12), random.in(1, 12), random.in(1, 5)};
    c.depthwise = random.one_in(2);
    c.depth = random.in(1, random.one_in(3) ? 70 : 12);
    c.channels = c.depthwise ? c.depth : random.in(1, 20);
    const std::int32_t most = random.one_in(5) ? 7 : 2;  // more than the filter is wide, too
    c.around = {random.in(0, most), random.in(0, most), random.in(0, most), random.in(0, most)};
    c.filter_h = random.in(1, 4);
    c.filter_w = random.one_in(2) ? 3 : random.in(1, 4);
    c.stride = random.in(1, 3);
    c.dilation = random.one_in(4) ? 2 : 1;
    c.padding = random.one_in(3) ? Padding::same : Padding::valid;
    const auto most_filter = [&](std::int32_t image, std::int32_t padded) {
      return std::max(1, (image + padded - 1) / c.dilation + 1);
    };
    c.filter_h = std::min(c.filter_h, most_filter(c.image[1], c.around.top + c.around.bottom));
    c.filter_w = std::min(c.filter_w, most_filter(c.image[2], c.around.left + c.around.right));
    return c;
  }
};

/// Weights that keep sums of so many products in the range.
template <class T>
class Chain {
 public:
  using W = std::conditional_t<std::is_same_v<T, std::uint8_t>, std::uint8_t, std::int8_t>;
  static constexpr auto zero_point = static_cast<std::int32_t>(sizeof(T) == 2        ? 0
                                                               : std::is_signed_v<T> ? -5
                                                                                     : 120);

  Chain(const Case& c, std::uint64_t seed) : random_(seed) {
    const std::int32_t image = tensor("image", c.image);
    Shape shape{1, c.image[1], c.image[2], c.depth};
    const std::int32_t expanded = tensor("expanded", shape);
    convolve(image, {c.depth, 1, 1, c.image[3]}, expanded, Conv2DOptions{});
    shape[1] += c.around.top + c.around.bottom;
    shape[2] += c.around.left + c.around.right;
    const std::int32_t padded = tensor("padded", shape);
    const std::vector<std::int32_t> amounts{
        0, 0, c.around.top, c.around.bottom, c.around.left, c.around.right, 0, 0};
    auto paddings = test::plain("paddings", ElementType::int32, {4, 2});
    paddings.constant = std::as_bytes(std::span(amounts));
    writer_.add_operator(BuiltinOperator::pad, {expanded, writer_.add_tensor(paddings)}, {padded});
    const auto rows = test::reach(c.padding, shape[1], c.filter_h, {c.stride, c.dilation});
    const auto columns = test::reach(c.padding, shape[2], c.filter_w, {c.stride, c.dilation});
    const Shape out{1, rows.output, columns.output, c.channels};
    const std::int32_t convolved = tensor("convolved", out);
    if (c.depthwise) {
      convolve(padded, {1, c.filter_h, c.filter_w, c.depth}, convolved,
               DepthwiseConv2DOptions{.padding = c.padding,
                                      .stride_h = c.stride,
                                      .stride_w = c.stride,
                                      .dilation_h = c.dilation,
                                      .dilation_w = c.dilation});
    } else {
      convolve(padded, {c.channels, c.filter_h, c.filter_w, c.depth}, convolved,
               Conv2DOptions{c.padding, c.stride, c.stride, c.dilation, c.dilation});
    }
    const std::int32_t projected = tensor("projected", {1, out[1], out[2], 3});
    convolve(convolved, {3, 1, 1, c.channels}, projected, Conv2DOptions{});
    writer_.set_inputs({image});
    writer_.set_outputs(c.shown ? std::vector{convolved, projected, padded}
                                : std::vector{convolved, projected});
    input = test::bytes_of(test::random_elements<T>(random_, test::size_of(c.image)));
  }

  [[nodiscard]] Bytes file() { return writer_.finish(); }
  Bytes input;

 private:
  std::int32_t tensor(const std::string& name, const Shape& shape) {
    return writer_.add_tensor(test::tensor<T>(name, shape, {0.5F, zero_point}));
  }
  template <class Options>
  void convolve(std::int32_t from, const Shape& shape, std::int32_t to, const Options& options) {
    const auto filter = test::random_elements<W>(random_, test::size_of(shape));
    const bool depthwise = std::is_same_v<Options, DepthwiseConv2DOptions>;
    const std::int32_t channels = shape[depthwise ? 3 : 0];
    const auto terms = static_cast<float>(test::size_of(shape)) / static_cast<float>(channels);
    auto weights = test::tensor<W>("filter", shape, {0.02F / std::sqrt(terms), std::is_signed_v<W> ? 0 : 99});
    weights.constant = std::as_bytes(std::span(filter));
    writer_.add_operator(depthwise ? BuiltinOperator::depthwise_conv_2d : BuiltinOperator::conv_2d,
                         {from, writer_.add_tensor(weights)}, {to}, options);
  }

  Random random_;
  ModelWriter writer_;
};

bool runs_pad(const Bytes& file) {
  const auto model = Model::open(file);
  REQUIRE(model);
  alignas(buffer_alignment) static std::byte workspace[65536];
  const auto plan = plan_model(*model, test::Operators<profile::tflm>::table, workspace, Aim::fast);
  INFO(plan.status().detail);
  REQUIRE(plan);
  return std::ranges::any_of(plan->operators,
                             [&](std::int32_t op) { return model->op(op).code == BuiltinOperator::pad; });
}

template <class T>
void check(Case c, std::uint64_t seed) {
  INFO(c.image[1], "x", c.image[2], " around ", c.around.top, " ", c.around.bottom, " ", c.around.left, " ",
       c.around.right, ", filter ", c.filter_h, "x", c.filter_w, "/", c.stride, " dilation ", c.dilation,
       c.depthwise ? " depthwise " : " to ", c.channels, " of ", c.depth, " seed ", seed);
  Chain<T> folded(c, seed);
  const Bytes folded_file = folded.file();
  c.shown = true;
  Chain<T> plain(c, seed);
  const Bytes plain_file = plain.file();
  REQUIRE_FALSE(runs_pad(folded_file));
  REQUIRE(runs_pad(plain_file));
  test::for_profiles([&]<class P>() {
    const auto expected = test::run_model<P>(plain_file, {plain.input});
    const auto actual = test::run_model<P>(folded_file, {folded.input});
    INFO(P::name, ": ", expected.failure, actual.failure);
    REQUIRE(expected.failure.empty());
    REQUIRE(actual.failure.empty());
    CHECK(actual.outputs[0] == expected.outputs[0]);
    CHECK(actual.outputs[1] == expected.outputs[1]);
  });
}

}  // namespace

TEST_CASE("PAD in front of a convolution is part of it: the same bits, any filter, any amounts") {
  Random random(11);
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    const Case c = Case::random(random);
    switch (seed % 3) {
      case 0: check<std::uint8_t>(c, seed); break;
      case 1: check<std::int8_t>(c, seed); break;
      default: seed % 2 == 0 ? check<std::int16_t>(c, seed) : check<std::int8_t>(c, seed);
    }
  }
}
