// SPDX-License-Identifier: Apache-2.0
// One-operator models with 16-bit activations, cut from a real network, against TFLite's outputs, byte for byte.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <support/data.hpp>
#include <support/sha256.hpp>

#include "engine.hpp"

namespace {

/// Operators that come later.
constexpr std::string_view not_yet[] = {"leaky_relu", "strided_slice", "sub", "transpose_conv"};

/// The data has a model's inputs back to back.
std::vector<test::Bytes> split(const kinglet::Model& model, const test::Bytes& all) {
  std::vector<test::Bytes> inputs;
  auto at = all.begin();
  for (const std::int32_t tensor : model.inputs()) {
    const auto size = static_cast<std::ptrdiff_t>(model.tensor(tensor).bytes());
    REQUIRE(all.end() - at >= size);
    inputs.emplace_back(at, at + size);
    at += size;
  }
  REQUIRE(at == all.end());
  return inputs;
}

}  // namespace

TEST_CASE("16-bit models of one operator, profile tflite") {
  const auto data = test::data_folder();
  if (!data) {
    MESSAGE("skipped: no data folder");
    return;
  }
  int checked = 0;
  int skipped = 0;
  for (const auto& row : test::read_table(*data / "int16x8/MANIFEST.tsv")) {
    if (std::ranges::find(not_yet, row[0]) != std::end(not_yet)) {
      ++skipped;
      continue;
    }
    INFO(row[1]);
    const auto folder = *data / "int16x8";
    const auto file = test::read_file(folder / (row[1] + ".tflite"));
    const auto model = kinglet::Model::open(file);
    REQUIRE(model);
    const auto inputs = split(*model, test::read_file(folder / (row[1] + ".in.bin")));
    const test::Answer answer = test::run_model<kinglet::profile::tflite>(file, inputs);
    INFO(answer.failure);
    CHECK(answer.failure.empty());
    if (answer.failure.empty()) {
      CHECK(answer.outputs[0] == test::read_file(folder / (row[1] + ".out.bin")));
      CHECK(test::sha256(answer.outputs[0]) == row[4]);
      ++checked;
    }
  }
  CHECK(checked == 31);
  MESSAGE(checked, " models checked, ", skipped,
          " skipped (LEAKY_RELU, STRIDED_SLICE, SUB, TRANSPOSE_CONV: operators to come)");
}
