// SPDX-License-Identifier: Apache-2.0
/// @file plans.cpp
/// `--aim`, `--weights` and `inspect --plan`.
#include <doctest/doctest.h>

#include <kinglet/model/writer.hpp>
#include <nlohmann/json.hpp>

#include "support.hpp"

using nlohmann::json;
using test::command;

namespace {

json inspect(const std::string& model, std::vector<std::string> more) {
  more.insert(more.begin(), {"inspect", model, "--json"});
  const auto result = command(more);
  REQUIRE(result.code == 0);
  return json::parse(result.out);
}

std::string generated(const test::Folder& folder) {
  const std::string path = folder.path("model.tflite");
  REQUIRE(command({"generate", path, "--width", "0.35", "--size", "96", "--classes", "10"}).code == 0);
  return path;
}

/// A PAD in front of a convolution.
test::Bytes padded_convolution() {
  kinglet::ModelWriter writer;
  const auto image = [&](const char* name, std::int32_t size) {
    return writer.add_tensor(
        {.name = name, .shape = {1, size, size, 4}, .scales = {0.5F}, .zero_points = {0}});
  };
  const std::vector<std::int32_t> amounts{0, 0, 0, 1, 0, 1, 0, 0};
  const std::vector<std::int8_t> weights(36, 1);
  const std::int32_t input = image("input", 8);
  const std::int32_t padded = image("padded", 9);
  const std::int32_t output = image("output", 4);
  const std::int32_t paddings = writer.add_tensor({.name = "paddings",
                                                   .type = kinglet::ElementType::int32,
                                                   .shape = {4, 2},
                                                   .constant = std::as_bytes(std::span(amounts))});
  const std::int32_t filter = writer.add_tensor({.name = "filter",
                                                 .shape = {1, 3, 3, 4},
                                                 .scales = {0.1F},
                                                 .zero_points = {0},
                                                 .quantized_dimension = 3,
                                                 .constant = std::as_bytes(std::span(weights))});
  writer.add_operator(kinglet::BuiltinOperator::pad, {input, paddings}, {padded});
  writer.add_operator(
      kinglet::BuiltinOperator::depthwise_conv_2d, {padded, filter}, {output},
      kinglet::DepthwiseConv2DOptions{.padding = kinglet::Padding::valid, .stride_h = 2, .stride_w = 2});
  writer.set_inputs({input});
  writer.set_outputs({output});
  return writer.finish();
}

}  // namespace

TEST_CASE("every aim and both kinds of weights give the same bytes") {
  const test::Folder folder;
  const std::string model = generated(folder);
  const std::string input = folder.path("in");
  test::write(input, test::random_bytes(2 * 96 * 96 * 3, 5));
  test::Bytes first;
  for (const char* aim : {"fast", "auto", "small"}) {
    for (const char* weights : {"packed", "in-place"}) {
      CAPTURE(aim);
      CAPTURE(weights);
      const std::string output = folder.path(std::string(aim) + weights);
      const auto result =
          command({"run", model, "--input", input, "--output", output, "--aim", aim, "--weights", weights});
      CAPTURE(result.err);
      REQUIRE(result.code == 0);
      const auto bytes = test::read(output);
      REQUIRE(bytes.size() == 20);
      first = first.empty() ? bytes : first;
      CHECK(bytes == first);
    }
  }
}

TEST_CASE("smaller aims need less memory, in place less packed bytes, tables stay small") {
  const test::Folder folder;
  const std::string model = generated(folder);
  const json fast = inspect(model, {"--aim", "fast"});
  const json automatic = inspect(model, {});
  const json small = inspect(model, {"--aim", "small"});
  CHECK(automatic["aim"] == "auto");
  CHECK(fast["chains"].empty());
  CHECK(!small["chains"].empty());
  CHECK(small["arena_bytes"] <= automatic["arena_bytes"]);
  CHECK(automatic["arena_bytes"] <= fast["arena_bytes"]);
  CHECK(small["arena_bytes"].get<int>() * 3 < fast["arena_bytes"].get<int>());
  for (const json& plan : {fast, automatic, small}) {
    CHECK(plan["lower_bound"] <= plan["arena_bytes"]);
    CHECK(plan["state_bytes"].get<std::size_t>() <= 128 * plan["operators"].size());
    CHECK(plan["constant_bytes"] == fast["constant_bytes"]);
  }
  const json in_place = inspect(model, {"--weights", "in-place"});
  CHECK(in_place["packed_weight_bytes"].get<int>() * 2 < fast["packed_weight_bytes"].get<int>());
}

TEST_CASE("a plan as a page names every buffer's owner") {
  const test::Folder folder;
  const std::string model = generated(folder);
  const std::string page = folder.path("plan.html");
  const json plan = inspect(model, {"--aim", "small", "--plan", page});
  const std::string text = test::read_text(page);
  CHECK(text.starts_with("<!DOCTYPE html>"));
  CHECK(text.find("<svg") != std::string::npos);
  CHECK(text.find("http") == std::string::npos);  // nothing from elsewhere
  std::size_t rectangles = 0;
  for (std::size_t at = text.find("<rect"); at != std::string::npos; at = text.find("<rect", at + 1)) {
    ++rectangles;
  }
  CHECK(rectangles == plan["plan"].size() + plan["chains"].size());
  for (const json& buffer : plan["plan"]) {
    CHECK(text.find(std::to_string(buffer["bytes"].get<int>()) + " bytes at " +
                    std::to_string(buffer["offset"].get<int>())) != std::string::npos);
  }
  // Nothing is written where it cannot be.
  CHECK(command({"inspect", model, "--plan", folder.path("no/such/folder.html")}).is_error(1));
}

TEST_CASE("a PAD that a convolution does is said to be folded, and has no buffer") {
  const test::Folder folder;
  const std::string model = folder.path("model.tflite");
  test::write(model, padded_convolution());
  for (const char* aim : {"fast", "auto", "small"}) {
    const json plan = inspect(model, {"--aim", aim});
    CHECK(plan["folded"] == json::array({{{"operator", 0}, {"into", 1}}}));
    for (const json& buffer : plan["plan"]) {
      CHECK(buffer["tensor"] != 1);
      CHECK(buffer["scratch_of_operator"] != 0);
    }
  }
  // A dump shows every operator's output, this one's too.
  test::write(folder.path("in"), test::random_bytes(8 * 8 * 4, 5));
  REQUIRE(command({"run", model, "--input", folder.path("in"), "--dump", folder.path("dump")}).code == 0);
  CHECK(test::read(folder.path("dump/000_PAD.bin")).size() == 9 * 9 * 4);
  CHECK(test::read(folder.path("dump/001_DEPTHWISE_CONV_2D.bin")).size() == 4 * 4 * 4);
  const auto text = command({"inspect", model});
  CHECK(text.out.find("Operator 0, a PAD, does not run") != std::string::npos);
}

TEST_CASE("aims and weights that do not exist are bad usage") {
  CHECK(command({"run", "--aim", "tiny"}).is_error(2));
  CHECK(command({"bench", "--weights", "both"}).is_error(2));
  CHECK(command({"inspect", "x.tflite", "--plan", ""}).is_error(2));
}
