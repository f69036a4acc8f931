// SPDX-License-Identifier: Apache-2.0
// Which int8 activations lie as unsigned bytes, and that nobody sees them.
#include <doctest/doctest.h>

#include <kinglet/nn/inverted_residual.hpp>
#include <kinglet/nn/layers.hpp>
#include <set>
#include <support/data.hpp>

#include "network_file.hpp"
#include "operators.hpp"

using namespace kinglet;
using test::Bytes;

namespace {

template <class T>
using Network =
    nn::Sequential<nn::Input<T, 12, 12, 5>,                                   //
                   nn::Conv2D<16, nn::square(3, 2).with(Activation::relu6)>,  // 1, which ADD reads
                   nn::InvertedResidual<4, 16>,     // 2, 3, 4, which ADD reads, and 5, which it makes
                   nn::InvertedResidual<4, 24, 2>,  // 6, 7, 8
                   nn::Pointwise<40>,               // 9, which MEAN reads
                   nn::Mean, nn::FullyConnected<7>>;

/// What lies so where the target's kernels keep unsigned bytes.
const std::set<std::int32_t> between_kernels = {2, 3, 6, 7, 8};

constexpr bool target_keeps_unsigned = isa::native::name == "avx512_vnni";

template <class T>
std::set<std::int32_t> unsigned_tensors(Aim aim) {
  const Bytes file = test::NetworkFile<Network<T>>(1).file();
  const auto model = Model::open(file);
  REQUIRE(model);
  Bytes workspace(workspace_bytes(*model));
  const auto plan = test::Executor<>::plan(*model, workspace, aim);
  REQUIRE(plan);
  std::set<std::int32_t> tensors;
  for (std::size_t i = 0; i < plan->activations; ++i) {
    if (plan->unsigned_bytes[i]) {
      tensors.insert(plan->buffers()[i].owner);
    }
  }
  return tensors;
}

}  // namespace

TEST_CASE("which kernels keep unsigned bytes") {
  const Convolution<std::int8_t, std::int8_t, Nhwc, Ohwi, Nhwc> image{
      {nullptr, Nhwc{1, 5, 5, 8}}, {nullptr, Ohwi{8, 3, 3, 8}}, nullptr, {nullptr, Nhwc{1, 5, 5, 8}}};
  auto depthwise = image;
  depthwise.filter = {nullptr, Ohwi{1, 3, 3, 8}};
  CHECK(keeps_unsigned<select::native::pointwise>(image) == target_keeps_unsigned);
  CHECK(keeps_unsigned<select::native::conv2d>(image) == target_keeps_unsigned);
  CHECK(keeps_unsigned<select::native::depthwise>(depthwise) == target_keeps_unsigned);
  auto grouped = image;
  grouped.filter = {nullptr, Ohwi{8, 3, 3, 4}};
  CHECK_FALSE(keeps_unsigned<select::native::conv2d>(grouped));
  depthwise.output = {nullptr, Nhwc{1, 5, 5, 16}};
  CHECK_FALSE(keeps_unsigned<select::native::depthwise>(depthwise));
}

TEST_CASE("unsigned bytes lie between kernels of the convolution family alone") {
  const std::set<std::int32_t> none;
  const auto expected = target_keeps_unsigned ? between_kernels : none;
  for (const Aim aim : {Aim::fast, Aim::automatic, Aim::small}) {
    CHECK(unsigned_tensors<std::int8_t>(aim) == expected);
    CHECK(unsigned_tensors<std::uint8_t>(aim) == none);
    CHECK(unsigned_tensors<std::int16_t>(aim) == none);
  }
  CHECK(unsigned_tensors<std::int8_t>(Aim::observed) == none);
  std::set<std::int32_t> typed;
  for (std::size_t t = 0; t < Network<std::int8_t>::tensor_count; ++t) {
    if (Network<std::int8_t>::plan.unsigned_bytes[t]) {
      typed.insert(static_cast<std::int32_t>(t));
    }
  }
  CHECK(typed == expected);
}

TEST_CASE("whoever looks at outputs sees int8, or nothing") {
  const test::NetworkFile<Network<std::int8_t>> made(2);
  const Bytes file = made.file();
  const auto model = Model::open(file);
  REQUIRE(model);
  const Bytes input = test::xorshift_bytes(3, 12 * 12 * 5);
  std::vector<Bytes> outputs(static_cast<std::size_t>(model->tensor_count()));
  Bytes last;
  for (const Aim aim : {Aim::observed, Aim::fast, Aim::automatic, Aim::small}) {
    const auto hidden = unsigned_tensors<std::int8_t>(aim);
    auto executor = test::OwningExecutor<>::create(*model, aim);
    REQUIRE(executor);
    std::copy(input.begin(), input.end(), (*executor)->input_bytes(0).begin());
    (*executor)->run([&](std::int32_t op, std::span<const std::byte> bytes) {
      const std::int32_t tensor = model->op(op).outputs[0];
      Bytes& output = outputs[static_cast<std::size_t>(tensor)];
      if (aim == Aim::observed) {
        output.assign(bytes.begin(), bytes.end());
      }
      CHECK(output.size() == model->tensor(tensor).bytes());
      CHECK(bytes.empty() == hidden.contains(tensor));
      CHECK((bytes.empty() || std::ranges::equal(bytes, output)));
    });
    const Bytes result((*executor)->output_bytes(0).begin(), (*executor)->output_bytes(0).end());
    last = aim == Aim::observed ? result : last;
    CHECK(result == last);
  }
}
