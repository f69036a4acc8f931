// SPDX-License-Identifier: Apache-2.0
// The typed MobileNetV2 and the executor on one file's weights: the same bytes, from the same plan.
#include <doctest/doctest.h>

#include <algorithm>
#include <kinglet/core/message.hpp>
#include <kinglet/nn/mobilenet_v2.hpp>
#include <kinglet/runtime/load_weights.hpp>
#include <memory>
#include <support/data.hpp>

#include "operators.hpp"

using namespace kinglet;

namespace {

template <class Architecture, class P>
void compare(const std::string& name) {
  const auto data = test::data_folder();
  if (!data) {
    MESSAGE("skipped: no data folder");
    return;
  }
  const auto file = test::read_file(*data / "models" / (name + ".tflite"));
  const auto model = Model::open(file);
  REQUIRE(model);
  const auto network = std::make_unique<nn::Network<Architecture, P>>();
  std::array<char, 512> text{};
  const Status status = load_weights(*model, *network);
  INFO(std::string(message(status, text)));
  REQUIRE(status.ok());

  auto executor = test::OwningExecutor<P>::create(*model);
  REQUIRE(executor);
  if (model->op(0).code != BuiltinOperator::quantize) {  // else the file has a buffer more than the network
    CHECK(executor->needs().arena_bytes == Architecture::arena_bytes);
  }
  const auto random = test::xorshift_bytes(12345, (*executor)->input_bytes(0).size());
  std::ranges::copy(random, (*executor)->input_bytes(0).begin());

  // What the file's first and last convolutional operators read and write, around QUANTIZE and RESHAPE.
  std::vector<std::byte> network_input(random);
  std::vector<std::byte> expected;
  (*executor)->run([&](std::int32_t index, std::span<const std::byte> output) {
    const OperatorInfo info = model->op(index);
    if (index == 0 && info.code == BuiltinOperator::quantize) {
      network_input.assign(output.begin(), output.end());
    }
    if (info.code == BuiltinOperator::softmax) {
      expected.assign(output.begin(), output.end());
    }
  });
  AlignedBytes memory = allocate_aligned(Architecture::arena_bytes);
  const typename nn::Network<Architecture, P>::ArenaSpan arena(memory.get(), Architecture::arena_bytes);
  const auto input = network->input(arena);
  REQUIRE(input.size() == network_input.size());
  std::memcpy(input.data(), network_input.data(), network_input.size());
  network->run(arena);
  const auto output = network->output(arena);
  REQUIRE(output.size() == expected.size());
  CHECK(std::memcmp(output.data(), expected.data(), expected.size()) == 0);
}

using Keras = nn::MobileNetV2<100, 224, 1001>;
using Older = nn::MobileNetV2<100, 224, 1001, nn::GlobalAveragePool, std::uint8_t>;

}  // namespace

TEST_CASE("typed MobileNetV2, int8: the bytes of the executor") {
  compare<Keras, profile::tflm>("tf2_mobilenet_v2_1.0_224_ptq");
}
TEST_CASE("typed MobileNetV2, int8, profile tflite") {
  compare<Keras, profile::tflite>("tf2_mobilenet_v2_1.0_224_ptq");
}
TEST_CASE("typed MobileNetV2, uint8: the bytes of the executor") {
  compare<Older, profile::tflite>("mobilenet_v2_1.0_224_quant");
}
TEST_CASE("a file of another network is refused, with the operator named") {
  const auto data = test::data_folder();
  if (!data) {
    MESSAGE("skipped: no data folder");
    return;
  }
  const auto file = test::read_file(*data / "models/vww_96_int8.tflite");
  const auto model = Model::open(file);
  REQUIRE(model);
  const auto network = std::make_unique<nn::Network<Keras>>();
  const Status status = load_weights(*model, *network);
  CHECK(status.code == Errc::bad_argument);
  CHECK(status.operator_index == 0);
  CHECK(status.operator_name == "CONV_2D");
}
