// SPDX-License-Identifier: Apache-2.0
// PAD in front of a convolution: the same bits as with a PAD that runs, as one does whose output is the graph's too.
#include <algorithm>
#include <cmath>

#include "one_operator.hpp"
#include "operators.hpp"

using namespace kinglet;
using test::Bytes;
using test::Random;
using test::Shape;

namespace {

/// What makes PAD run.
enum class Needed {
  no,
  as_output,       ///< the padded image is one of the graph's
  by_another,      ///< a second operator reads it
  by_a_later_one,  ///< the convolution does not stand right behind PAD
  in_channels,     ///< channels are surrounded as well
  by_a_pool,       ///< whose padding has no zero point
};

/// expand (1x1) -> PAD -> convolution -> project (1x1), as Keras writes the blocks of stride 2.
struct Case {
  Shape image{1, 9, 8, 3};
  std::int32_t depth = 8;  ///< channels of the padded image
  std::int32_t channels = 8;
  // Rows and columns around it.
  std::int32_t top = 0;
  std::int32_t bottom = 1;
  std::int32_t left = 0;
  std::int32_t right = 1;
  std::int32_t filter_h = 3;
  std::int32_t filter_w = 3;
  index_t stride = 2;
  index_t dilation = 1;
  Padding padding = Padding::valid;
  bool depthwise = true;
  std::int32_t multiplier = 1;  ///< depthwise: filters of each channel
  std::int32_t groups = 1;      ///< else: of channels
  bool expands = true;          ///< else PAD reads the graph's input
  bool long_amounts = false;    ///< int64
  Needed needed = Needed::no;

  explicit Case(Needed n) : needed(n) {}
  explicit Case(Random& random) {
    image = {random.one_in(5) ? 2 : 1, random.in(1, 12), random.in(1, 12), random.in(1, 5)};
    depthwise = random.one_in(2);
    depth = random.in(1, random.one_in(3) ? 70 : 12);
    multiplier = random.one_in(4) ? 2 : 1;
    groups = random.one_in(4) ? 2 : 1;
    depth += depthwise ? 0 : depth % groups;
    channels = depthwise ? depth * multiplier : random.in(1, 20) * groups;
    const std::int32_t most = random.one_in(5) ? 7 : 2;  // more than the filter is wide, too
    top = random.in(0, most);
    bottom = random.in(0, most);
    left = random.in(0, most);
    right = random.in(0, most);
    expands = !random.one_in(4);
    image[3] = expands ? image[3] : depth;
    long_amounts = random.one_in(3);
    stride = random.in(1, 3);
    dilation = random.one_in(4) ? 2 : 1;
    padding = random.one_in(3) ? Padding::same : Padding::valid;
    filter_h = std::min(random.in(1, 4), (image[1] + top + bottom - 1) / dilation + 1);
    filter_w = std::min(random.one_in(2) ? 3 : random.in(1, 4), (image[2] + left + right - 1) / dilation + 1);
  }
};

template <class T>
class Chain {
 public:
  using W = std::conditional_t<std::is_same_v<T, std::uint8_t>, std::uint8_t, std::int8_t>;

  Chain(const Case& c, std::uint64_t seed) : random_(seed) {
    const std::int32_t image = tensor("image", c.image);
    Shape shape{c.image[0], c.image[1], c.image[2], c.depth};
    const std::int32_t expanded = c.expands ? tensor("expanded", shape) : image;
    if (c.expands) {
      convolve(image, {c.depth, 1, 1, c.image[3]}, expanded, Conv2DOptions{});
    }
    const std::int32_t more_channels = c.needed == Needed::in_channels ? 1 : 0;
    shape[1] += c.top + c.bottom;
    shape[2] += c.left + c.right;
    shape[3] += more_channels;
    const std::int32_t padded = tensor("padded", shape);
    const std::vector<std::int32_t> amounts{0, 0, c.top, c.bottom, c.left, c.right, more_channels, 0};
    const std::vector<std::int64_t> long_amounts(amounts.begin(), amounts.end());
    auto paddings = test::plain("paddings", c.long_amounts ? ElementType::int64 : ElementType::int32, {4, 2});
    paddings.constant =
        c.long_amounts ? std::as_bytes(std::span(long_amounts)) : std::as_bytes(std::span(amounts));
    writer_.add_operator(BuiltinOperator::pad, {expanded, writer_.add_tensor(paddings)}, {padded});
    if (c.needed == Needed::by_a_later_one) {
      copy(expanded, {c.image[0], c.image[1], c.image[2], c.depth});
    }
    const auto rows = test::reach(c.padding, shape[1], c.filter_h, {c.stride, c.dilation});
    const auto columns = test::reach(c.padding, shape[2], c.filter_w, {c.stride, c.dilation});
    const std::int32_t channels = c.depthwise ? shape[3] * c.multiplier : c.channels;
    const Shape out{c.image[0], rows.output, columns.output, channels};
    const std::int32_t convolved = tensor("convolved", out);
    if (c.needed == Needed::by_a_pool) {
      writer_.add_operator(BuiltinOperator::max_pool_2d, {padded}, {convolved},
                           Pool2DOptions{.padding = c.padding,
                                         .stride_h = c.stride,
                                         .stride_w = c.stride,
                                         .filter_h = c.filter_h,
                                         .filter_w = c.filter_w});
    } else if (c.depthwise) {
      convolve(padded, {1, c.filter_h, c.filter_w, channels}, convolved,
               DepthwiseConv2DOptions{.padding = c.padding,
                                      .stride_h = c.stride,
                                      .stride_w = c.stride,
                                      .dilation_h = c.dilation,
                                      .dilation_w = c.dilation});
    } else {
      convolve(padded, {channels, c.filter_h, c.filter_w, shape[3] / c.groups}, convolved,
               Conv2DOptions{c.padding, c.stride, c.stride, c.dilation, c.dilation});
    }
    const std::int32_t projected = tensor("projected", {out[0], out[1], out[2], 3});
    convolve(convolved, {3, 1, 1, channels}, projected, Conv2DOptions{});
    outputs_ = {convolved, projected};
    if (c.needed == Needed::as_output) {
      outputs_.push_back(padded);
    }
    if (c.needed == Needed::by_another) {
      copy(padded, shape);
    }
    writer_.set_inputs({image});
    writer_.set_outputs(outputs_);
    input = test::bytes_of(test::random_elements<T>(random_, test::size_of(c.image)));
  }

  [[nodiscard]] Bytes file() { return writer_.finish(); }
  Bytes input;

 private:
  std::int32_t tensor(const std::string& name, const Shape& shape) {
    constexpr std::int32_t zero_point = sizeof(T) == 2 ? 0 : std::is_signed_v<T> ? -5 : 120;
    return writer_.add_tensor(test::tensor<T>(name, shape, {0.5F, zero_point}));
  }
  void copy(std::int32_t from, const Shape& shape) {
    outputs_.push_back(tensor("copy", shape));
    writer_.add_operator(BuiltinOperator::reshape, {from}, {outputs_.back()}, ReshapeOptions{});
  }
  /// With weights that keep sums of so many products in the outputs' range.
  template <class Options>
  void convolve(std::int32_t from, const Shape& shape, std::int32_t to, const Options& options) {
    constexpr bool depthwise = std::is_same_v<Options, DepthwiseConv2DOptions>;
    const auto filter = test::random_elements<W>(random_, test::size_of(shape));
    const auto channels = static_cast<std::size_t>(shape[depthwise ? 3 : 0]);
    const float scale = 0.02F / std::sqrt(static_cast<float>(filter.size() / channels));
    auto weights = test::tensor<W>("filter", shape, {scale, std::is_signed_v<W> ? 0 : 99});
    if constexpr (depthwise) {
      weights.quantized_dimension = 3;
    }
    weights.constant = std::as_bytes(std::span(filter));
    writer_.add_operator(depthwise ? BuiltinOperator::depthwise_conv_2d : BuiltinOperator::conv_2d,
                         {from, writer_.add_tensor(weights)}, {to}, options);
  }

  Random random_;
  ModelWriter writer_;
  std::vector<std::int32_t> outputs_;
};

bool runs_pad(const Bytes& file, Aim aim) {
  const auto model = Model::open(file);
  REQUIRE(model);
  alignas(buffer_alignment) std::byte workspace[16384];
  const auto plan = plan_model(*model, test::Operators<profile::tflm>::table, workspace, aim);
  REQUIRE(plan);
  return std::ranges::any_of(plan->operators,
                             [&](std::int32_t op) { return model->op(op).code == BuiltinOperator::pad; });
}

template <class T>
void check(Case c, std::uint64_t seed) {
  INFO(c.image[1], "x", c.image[2], " inside ", c.top, " ", c.bottom, " ", c.left, " ", c.right, ", filter ",
       c.filter_h, "x", c.filter_w, "/", c.stride, " dilation ", c.dilation,
       c.depthwise ? " depthwise " : " to ", c.channels, " of ", c.depth, " seed ", seed);
  Chain<T> folded(c, seed);
  const Bytes folded_file = folded.file();
  c.needed = Needed::as_output;
  Chain<T> plain(c, seed);
  const Bytes plain_file = plain.file();
  REQUIRE_FALSE(runs_pad(folded_file, Aim::fast));
  REQUIRE(runs_pad(plain_file, Aim::fast));
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
    const Case c(random);
    switch (seed % 4) {
      case 0: check<std::uint8_t>(c, seed); break;
      case 1: check<std::int16_t>(c, seed); break;
      default: check<std::int8_t>(c, seed);
    }
  }
}

TEST_CASE("PAD runs where somebody else needs the padded image") {
  const auto outputs = [](Needed needed) {
    Chain<std::int8_t> chain(Case(needed), 1);
    const auto answer = test::run_model<profile::tflm>(chain.file(), {chain.input});
    INFO(answer.failure);
    REQUIRE(answer.failure.empty());
    return answer.outputs;
  };
  for (const Aim aim : {Aim::automatic, Aim::fast, Aim::small}) {
    CHECK_FALSE(runs_pad(Chain<std::int8_t>(Case(Needed::no), 1).file(), aim));
    for (const Needed needed : {Needed::as_output, Needed::by_another, Needed::by_a_later_one,
                                Needed::in_channels, Needed::by_a_pool}) {
      CAPTURE(static_cast<int>(needed));
      CHECK(runs_pad(Chain<std::int8_t>(Case(needed), 1).file(), aim));
    }
  }
  CHECK(runs_pad(Chain<std::int8_t>(Case(Needed::no), 1).file(), Aim::observed));
  const auto folded = outputs(Needed::no);
  for (const Needed needed : {Needed::as_output, Needed::by_another, Needed::by_a_later_one}) {
    const auto actual = outputs(needed);
    CHECK(actual[0] == folded[0]);
    CHECK(actual[1] == folded[1]);
  }
  CHECK(outputs(Needed::in_channels).size() == 2);
  CHECK(outputs(Needed::by_a_pool).size() == 2);
}

TEST_CASE("a PAD that does not run takes no memory") {
  Case c(Needed::no);
  c.image = {1, 40, 40, 8};
  c.depth = c.channels = 32;
  const auto arena_bytes = [&c](Aim aim) {
    const Bytes file = Chain<std::int8_t>(c, 1).file();
    const auto model = Model::open(file);
    REQUIRE(model);
    const auto needs = test::Executor<>::measure(*model, aim);
    REQUIRE(needs);
    return needs->arena_bytes;
  };
  constexpr std::size_t image = 40 * 40 * 32;
  constexpr std::size_t padded = 41 * 41 * 32;
  CHECK(arena_bytes(Aim::fast) < image + padded);
  CHECK(arena_bytes(Aim::observed) >= image + padded);
}

TEST_CASE("who looks at outputs is told the operators behind a PAD by their own numbers") {
  Chain<std::int8_t> chain(Case(Needed::no), 1);
  const Bytes file = chain.file();
  const auto model = Model::open(file);
  REQUIRE(model);
  const auto seen = [&](Aim aim) {
    auto executor = test::OwningExecutor<>::create(*model, aim);
    REQUIRE(executor);
    std::vector<std::int32_t> operators;
    (*executor)->run([&](std::int32_t op, std::span<const std::byte> output) {
      const bool hidden = aim != Aim::observed && op == 0 && output.empty();
      CHECK((hidden || output.size() == model->tensor(model->op(op).outputs[0]).bytes()));
      operators.push_back(op);
    });
    return operators;
  };
  CHECK(seen(Aim::fast) == std::vector{0, 2, 3});
  CHECK(seen(Aim::observed) == std::vector{0, 1, 2, 3});
}
