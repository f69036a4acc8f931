// SPDX-License-Identifier: Apache-2.0
// Typed networks against the executor on a file of the same operators and weights: the same bytes, whether the
// weights come from the file or from the program; and files that load_weights refuses.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <kinglet/core/message.hpp>
#include <kinglet/memory/heap.hpp>
#include <kinglet/nn/inverted_residual.hpp>
#include <kinglet/nn/layers.hpp>
#include <kinglet/runtime/load_weights.hpp>
#include <memory>
#include <support/data.hpp>

#include "network_file.hpp"

using namespace kinglet;
using test::Bytes;

namespace {

using nn::square;

/// Every layer, small enough for kernels with constant extents, but for the first block's expansion.
template <class T, class... Last>
using Small = nn::Sequential<nn::Input<T, 13, 10, 3, 2>,                           // batch 2
                             nn::Conv2D<8, square(3, 2).with(Activation::relu6)>,  //
                             nn::InvertedResidual<12, 8>,                          // with an addition
                             nn::DepthwiseConv2D<square(3, 1).valid(), 2>,         // two filters a channel
                             nn::Conv2D<5, nn::Filter{.height = 2, .width = 3, .dilation_h = 2}>,  //
                             nn::MaxPool2D<square(2)>,                                             //
                             nn::AveragePool2D<nn::Filter{.height = 2, .width = 1, .stride_h = 2}>,
                             nn::Pointwise<9, Activation::relu>, nn::Mean, nn::FullyConnected<7>, Last...>;

template <class A, Profile P>
Bytes run(const nn::Network<A, P>& network, const Bytes& input) {
  const AlignedBytes memory = allocate_aligned(A::arena_bytes);
  const typename nn::Network<A, P>::ArenaSpan arena(memory.get(), A::arena_bytes);
  std::fill(arena.begin(), arena.end(), std::byte{0x33});
  REQUIRE(network.input(arena).size() * sizeof(typename A::element_type) == input.size());
  std::memcpy(network.input(arena).data(), input.data(), input.size());
  network.run(arena);
  const auto output = network.output(arena);
  const auto* const bytes = reinterpret_cast<const std::byte*>(output.data());
  return {bytes, bytes + output.size() * sizeof(typename A::element_type)};
}

std::string words(const Status& status) {
  std::array<char, message_capacity> text{};
  return std::string(message(status, text));
}

template <class A, class P>
void compare() {
  using T = typename A::element_type;
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    INFO(P::name, ", seed ", seed);
    const test::NetworkFile<A> made(seed);
    const Bytes file = made.file();
    const Bytes input = test::xorshift_bytes(seed, A::graph.tensors[0].size() * sizeof(T));
    const test::Answer answer = test::run_model<P>(file, {input});
    INFO(answer.failure);
    REQUIRE(answer.failure.empty());

    const auto network = std::make_unique<nn::Network<A, P>>();
    made.set(*network);
    CHECK(words(network->prepare()) == "no error");
    CHECK(run(*network, input) == answer.outputs[0]);
    if constexpr (sizeof(T) == 1) {
      const auto loaded = std::make_unique<nn::Network<A, P>>();
      const auto model = Model::open(file);
      REQUIRE(model);
      CHECK(words(load_weights(*model, *loaded)) == "no error");
      CHECK(run(*loaded, input) == answer.outputs[0]);
    }
    // Outputs that are all alike would compare equal too easily.
    CHECK(std::ranges::any_of(answer.outputs[0], [&](std::byte b) { return b != answer.outputs[0][0]; }));
  }
}

}  // namespace

TEST_CASE("a typed network has the executor's bytes: int8") {
  using A = Small<std::int8_t, nn::Softmax>;
  static_assert(A::graph.macs(A::graph.steps[1]) > nn::shared_kernel_work);  // run-time extents
  static_assert(A::graph.macs(A::graph.steps[4]) < nn::shared_kernel_work);  // constant ones
  compare<A, profile::tflm>();
  compare<A, profile::tflite>();
  compare<A, profile::single>();
}
TEST_CASE("a typed network has the executor's bytes: uint8") {
  compare<Small<std::uint8_t>, profile::tflite>();
}
TEST_CASE("a typed network has the executor's bytes: int16 activations") {
  compare<Small<std::int16_t>, profile::tflm>();
}

namespace {

using Tiny = nn::Sequential<nn::Input<std::int8_t, 4, 4, 4>, nn::Conv2D<4, square(3)>,
                            nn::MaxPool2D<square(2, 2)>, nn::Mean>;

/// Tiny as a file, with changes.
struct TinyFile {
  Conv2DOptions conv{};
  Pool2DOptions pool{.stride_h = 2, .stride_w = 2, .filter_h = 2, .filter_w = 2};
  std::vector<std::int32_t> filter_shape = {4, 3, 3, 4};
  std::int32_t filter_dimension = 0;
  std::vector<std::int64_t> filter_zero_points = {0, 0, 0, 0};
  std::vector<std::int32_t> pooled_shape = {1, 2, 2, 4};
  std::vector<std::int32_t> axes = {1, 2};
  bool has_filter = true;
  bool rescales = false;  ///< a QUANTIZE between convolution and pool
  bool quantizes_first = false;

  [[nodiscard]] Bytes write() const {
    ModelWriter w;
    const auto activation = [&](const char* name, const std::vector<std::int32_t>& shape, float scale) {
      return w.add_tensor({.name = name, .shape = shape, .scales = {scale}, .zero_points = {0}});
    };
    const auto image = activation("image", {1, 4, 4, 4}, 0.5F);
    const auto hidden = activation("hidden", {1, 4, 4, 4}, 0.5F);
    const Bytes values(144, std::byte{3});
    const auto filter = w.add_tensor({.name = "filter",
                                      .shape = filter_shape,
                                      .scales = {0.1F, 0.2F, 0.3F, 0.4F},
                                      .zero_points = filter_zero_points,
                                      .quantized_dimension = filter_dimension,
                                      .constant = values});
    std::int32_t graph_input = image;
    if (quantizes_first) {
      graph_input = w.add_tensor({.name = "bytes",
                                  .type = ElementType::uint8,
                                  .shape = {1, 4, 4, 4},
                                  .scales = {0.5F},
                                  .zero_points = {128}});
      w.add_operator(BuiltinOperator::quantize, {graph_input}, {image});
    }
    w.add_operator(BuiltinOperator::conv_2d,
                   has_filter ? std::vector<std::int32_t>{image, filter} : std::vector<std::int32_t>{image},
                   {hidden}, conv);
    std::int32_t pool_input = hidden;
    if (rescales) {
      pool_input = activation("rescaled", {1, 4, 4, 4}, 0.25F);
      w.add_operator(BuiltinOperator::quantize, {hidden}, {pool_input});
    }
    const auto pooled = activation("pooled", pooled_shape, rescales ? 0.25F : 0.5F);
    w.add_operator(BuiltinOperator::max_pool_2d, {pool_input}, {pooled}, pool);
    const auto axis_tensor = w.add_tensor({.name = "axes",
                                           .type = ElementType::int32,
                                           .shape = {static_cast<std::int32_t>(axes.size())},
                                           .constant = std::as_bytes(std::span(axes))});
    const auto mean = activation("mean", {1, 4}, 1.0F);
    w.add_operator(BuiltinOperator::mean, {pooled, axis_tensor}, {mean}, ReducerOptions{});
    w.set_inputs({graph_input});
    w.set_outputs({mean});
    return w.finish();
  }
};

std::string load(const TinyFile& made) {
  const Bytes file = made.write();
  const auto model = Model::open(file);
  REQUIRE(model);
  nn::Network<Tiny> network;
  return words(load_weights(*model, network));
}

}  // namespace

TEST_CASE("load_weights refuses a file that computes something else, naming the operator") {
  const std::string bad = "an argument is out of range: ";
  const std::string options =
      bad +
      "stride, padding, dilation, filter, axes, beta or activation differ from the typed "
      "network's";
  const std::string filter =
      bad + "the filter has another type, shape or quantization than the typed network's";
  const std::string conv = "operator 0 CONV_2D: ";
  const std::string pool = "operator 1 MAX_POOL_2D: ";
  const std::string mean = "operator 2 MEAN: ";
  CHECK(load({}) == "no error");
  CHECK(load({.axes = {-2, 1}}) == "no error");
  CHECK(load({.quantizes_first = true}) == "no error");
  CHECK(load({.conv = {.padding = Padding::valid}}) == conv + options);
  CHECK(load({.conv = {.dilation_w = 2}}) == conv + options);
  CHECK(load({.conv = {.stride_h = 2}}) == conv + options);
  CHECK(load({.conv = {.activation = Activation::relu}}) == conv + options);
  // 2x2 over 4x4 by 2 needs no padding: SAME and VALID are one. By 3, SAME has as many outputs, elsewhere.
  CHECK(load({.pool =
                  {.padding = Padding::valid, .stride_h = 2, .stride_w = 2, .filter_h = 2, .filter_w = 2}}) ==
        "no error");
  CHECK(load({.pool = {.stride_h = 3, .stride_w = 2, .filter_h = 2, .filter_w = 2}}) == pool + options);
  CHECK(load({.pool = {.stride_h = 2, .stride_w = 2, .filter_h = 2, .filter_w = 3}}) == pool + options);
  CHECK(load({.filter_shape = {4, 3, 4, 3}}) == conv + filter);
  CHECK(load({.filter_shape = {4, 9, 4}}) == conv + filter);
  CHECK(load({.filter_shape = {4, 4, 3, 3}, .filter_dimension = 1}) == conv + filter);
  CHECK(load({.filter_dimension = 3}) == conv + filter);
  CHECK(load({.filter_zero_points = {0, 0, 1, 0}}) == conv + filter);
  CHECK(load({.filter_zero_points = {1, 1, 1, 1}}) ==
        conv +
            "quantization parameters are missing or invalid: the weights' zero point must be 0 for int8, 0 "
            "to 255 "
            "for uint8");
  CHECK(load({.pooled_shape = {1, 4, 1, 4}}) ==
        pool + bad + "a tensor has another shape than in the typed network");
  CHECK(load({.axes = {2, 3}}) == mean + options);
  CHECK(load({.axes = {1}}) == mean + options);
  CHECK(load({.has_filter = false}) == conv + bad + "the operator has no weights");
  CHECK(load({.rescales = true}) ==
        "operator 2 MAX_POOL_2D: " + bad +
            "a tensor is rescaled on its way here, which the typed network does not do");
}

TEST_CASE("load_weights refuses files that are shorter or longer, or have another order") {
  const Bytes file = TinyFile{}.write();
  const auto model = Model::open(file);
  REQUIRE(model);
  using In = nn::Input<std::int8_t, 4, 4, 4>;
  using Conv = nn::Conv2D<4, square(3)>;
  using Pool = nn::MaxPool2D<square(2, 2)>;
  nn::Network<nn::Sequential<In, Conv, Pool>> shorter;
  CHECK(words(load_weights(*model, shorter)) ==
        "operator 2 MEAN: an argument is out of range: the typed network has no step for it");
  nn::Network<nn::Sequential<In, Conv, Pool, nn::Mean, nn::Softmax>> longer;
  CHECK(words(load_weights(*model, longer)) ==
        "an argument is out of range: the file ends before the typed network does (found 3, limit 4)");
  nn::Network<nn::Sequential<In, Pool, Conv, nn::Mean>> other;
  CHECK(words(load_weights(*model, other)) ==
        "operator 0 CONV_2D: an argument is out of range: the typed network has another operator here");
}
