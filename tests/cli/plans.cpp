// SPDX-License-Identifier: Apache-2.0
/// @file plans.cpp
/// `--aim`, `--weights` and `inspect --plan`.
#include <doctest/doctest.h>

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

TEST_CASE("aims and weights that do not exist are bad usage") {
  CHECK(command({"run", "--aim", "tiny"}).is_error(2));
  CHECK(command({"bench", "--weights", "both"}).is_error(2));
  CHECK(command({"inspect", "x.tflite", "--plan", ""}).is_error(2));
}
