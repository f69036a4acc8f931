// SPDX-License-Identifier: Apache-2.0
/// @file models.cpp
/// `inspect`, `check`, `bench`, `generate`, and `run` without a model.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "support.hpp"

using nlohmann::json;
using test::command;

namespace {

json parse(const test::Outcome& outcome) {
  CAPTURE(outcome.err);
  REQUIRE(!outcome.out.empty());
  return json::parse(outcome.out);
}

/// ADD that is too new, then operators that nobody has; names that are not UTF-8.
test::Bytes unsupported_model() {
  kinglet::ModelWriter writer("d\xe9scription");
  const auto tensor = [&](const char* name) {
    return writer.add_tensor({.name = name, .shape = {1, 4}, .scales = {0.5F}, .zero_points = {0}});
  };
  const std::int32_t a = tensor("\xff\xfe input");
  const std::int32_t b = tensor("b");
  const std::int32_t c = tensor("c\n\x01");
  const std::int32_t d = tensor("d");
  writer.add_operator({.code = kinglet::BuiltinOperator::add, .version = 99}, {a, a}, {b},
                      kinglet::AddOptions{});
  writer.add_operator({.code = kinglet::BuiltinOperator::custom, .custom_code = "Fl\xfcgel\n../x"}, {b}, {c});
  writer.add_operator(kinglet::BuiltinOperator::lsh_projection, {c}, {d});
  writer.set_inputs({a});
  writer.set_outputs({d});
  return writer.finish();
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("generate: the same bytes for the same seed, and every size asked for") {
  const test::Folder folder;
  const auto make = [&](const char* name, std::vector<std::string> more) {
    more.insert(more.begin(), {"generate", folder.path(name)});
    const auto result = command(more);
    CAPTURE(result.err);
    CHECK(result.code == 0);
    return test::read(folder.path(name));
  };
  const std::vector<std::string> small{"--width", "0.35", "--size", "96", "--classes", "10"};
  const auto first = make("a", small);
  CHECK(first == make("b", small));
  CHECK(first != make("c", {"--width", "0.35", "--size", "96", "--classes", "10", "--seed", "2"}));
  for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{
           {"--width", "0.05", "--size", "32", "--classes", "2", "--seed", "0"},
           {"--width", "0.5", "--size", "33", "--classes", "7", "--seed", "4294967295"}}) {
    make("d", more);
    CHECK(command({"check", folder.path("d")}).code == 0);
    CHECK(parse(command({"bench", folder.path("d"), "--runs", "1", "--json"}))["min_ms"] > 0);
  }
}

TEST_CASE("inspect, bench and check agree on a generated model") {
  const test::Folder folder;
  const std::string model = folder.path("m.tflite");
  REQUIRE(command({"generate", model, "--width", "0.35", "--size", "96", "--classes", "10"}).code == 0);
  const json inspected = parse(command({"inspect", model, "--json"}));
  CHECK(inspected["inputs"].size() == 1);
  CHECK(inspected["outputs"].size() == 1);
  const json& input = inspected["tensors"][inspected["inputs"][0].get<std::size_t>()];
  CHECK(input["type"] == "INT8");
  CHECK(input["shape"] == json{1, 96, 96, 3});
  CHECK(input["scale"].size() == 1);
  CHECK(input["zero_point"].size() == 1);
  CHECK(input["constant_bytes"] == 0);
  CHECK(inspected["operators"].size() == 65);
  std::uint64_t macs = 0;
  for (const json& op : inspected["operators"]) {
    macs += op["macs"].get<std::uint64_t>();
    CHECK(op["version"] >= 1);
  }
  CHECK(inspected["operators"][0]["name"] == "CONV_2D");
  CHECK(inspected["operators"][0]["macs"] == 48 * 48 * 16 * 27);
  CHECK(inspected["operators"][0]["weight_bytes"] == 16 * 27 + 16 * 4);
  CHECK(inspected["macs"] == macs);
  std::uint64_t end = 0;
  for (const json& buffer : inspected["plan"]) {
    end = std::max(end, buffer["offset"].get<std::uint64_t>() + buffer["bytes"].get<std::uint64_t>());
    CHECK(buffer["first_operator"] <= buffer["last_operator"]);
  }
  CHECK((end + 15) / 16 * 16 == inspected["arena_bytes"]);
  CHECK(inspected["lower_bound"] <= inspected["arena_bytes"]);
  for (const char* key : {"state_bytes", "packed_weight_bytes", "constant_bytes"}) {
    CHECK(inspected[key] > 0);
  }
  CHECK(inspected["problems"].empty());

  for (const char* profile : {"tflm", "tflite", "single"}) {
    const json bench = parse(command({"bench", model, "--runs", "5", "--json", "--conform", profile}));
    CHECK(bench["arena_bytes"] >= inspected["arena_bytes"]);
    CHECK(bench["macs"] == macs);
    CHECK(bench["min_ms"] > 0);
    CHECK(bench["min_ms"] <= bench["median_ms"]);
    CHECK(bench["median_ms"] <= bench["p90_ms"]);
    CHECK(bench["load_ms"] > 0);
    CHECK(bench["gmacs"] > 0);
    CHECK(bench["runs"] == 5);
    CHECK(bench["profile"] == profile);
    CHECK(bench["model"] == model);
    CHECK(bench["target"].is_string());
  }
  CHECK(lines(command({"bench", model, "--runs", "2"}).out) >= 4);
  for (const std::string aim : {"fast", "small"}) {
    const json bench = parse(
        command({"bench", model, "--runs", "3", "--json", "--steps", "--aim", aim, "--weights", "in-place"}));
    // Steps are all operators, in their order.
    double sum = 0;
    std::size_t next = 0;
    std::size_t chains = 0;
    for (const json& step : bench["steps"]) {
      CHECK(step["first_operator"] == next);
      CHECK(step["last_operator"] >= next);
      CHECK(step["min_ms"] >= 0);
      chains += step["last_operator"] > next ? 1U : 0U;
      next = step["last_operator"].get<std::size_t>() + 1;
      sum += step["min_ms"].get<double>();
    }
    CHECK(next == inspected["operators"].size());
    CHECK((chains != 0) == (aim == "small"));
    CHECK(bench["steps_min_ms"] == doctest::Approx(sum));
  }
  CHECK(command({"bench", model, "--runs", "2", "--steps"}).out.find("SOFTMAX") != std::string::npos);

  const std::string text = command({"inspect", model}).out;
  for (const char* part :
       {"Operators", "Tensors", "Memory plan", "DEPTHWISE_CONV_2D", "arena bytes", "1x96x96x3"}) {
    CHECK(text.find(part) != std::string::npos);
  }
  const auto checked = command({"check", model});
  CHECK(checked.code == 0);
  CHECK(checked.err.empty());
  CHECK(parse(command({"check", model, "--json"}))["runs"] == true);
}

TEST_CASE("a model with operators that cannot run") {
  const test::Folder folder;
  const std::string model = folder.path("m.tflite");
  test::write(model, unsupported_model());

  const auto checked = command({"check", model});
  CHECK(checked.code == 1);
  CHECK(checked.out.empty());
  CHECK(lines(checked.err) == 3);
  CHECK(checked.err.find("kinglet: error: operator 0 ADD: ") == 0);
  CHECK(checked.err.find("(found 99, limit ") != std::string::npos);
  CHECK(checked.err.find("\nkinglet: error: operator 1 Fl") != std::string::npos);
  CHECK(checked.err.find("\nkinglet: error: operator 2 LSH_PROJECTION: ") != std::string::npos);
  const auto checked_json = command({"check", model, "--json"});
  CHECK(checked_json.code == 1);
  const json problems = parse(checked_json);
  CHECK(problems["runs"] == false);
  CHECK(problems["problems"].size() == 3);
  CHECK(problems["problems"][2]["operator"] == 2);

  const json inspected = parse(command({"inspect", model, "--json"}));
  CHECK(inspected["operators"].size() == 3);
  for (const char* key : {"plan", "arena_bytes", "state_bytes", "packed_weight_bytes", "lower_bound"}) {
    CHECK(inspected.contains(key));
    CHECK(inspected[key].is_null());
  }
  CHECK(inspected["problems"].size() == 3);
  const auto text = command({"inspect", model});
  CHECK(text.code == 0);
  CHECK(text.out.find("cannot run") != std::string::npos);

  test::write(folder.path("in"), test::random_bytes(4, 1));
  for (const auto& result :
       {command({"run", model, "--input", folder.path("in"), "--output", folder.path("out")}),
        command({"bench", model})}) {
    CHECK(result.is_error(1));
    CHECK(result.err.find("operator 0 ADD") != std::string::npos);
    CHECK(result.err.find("2 more operators") != std::string::npos);
    CHECK(result.err.find("kinglet check") != std::string::npos);
  }
}

TEST_CASE("run without a model says that its weights are generated") {
  const auto result = command({"run", "--top", "3"});
  CHECK(result.code == 0);
  CHECK(result.err.empty());
  CHECK(result.out.find("generated") != std::string::npos);
  CHECK(result.out.find("mean nothing") != std::string::npos);
  CHECK(result.out.find("kinglet run MODEL") != std::string::npos);
  std::size_t classes = 0;
  for (std::size_t at = result.out.find("  class "); at != std::string::npos;
       at = result.out.find("  class ", at + 1)) {
    ++classes;
  }
  CHECK(classes == 3);
}

TEST_CASE("a generated model's activations are alive in every layer") {
  const test::Folder folder;
  const std::string dump = folder.path("dump");
  REQUIRE(command({"generate", folder.path("m"), "--width", "0.35", "--size", "96"}).code == 0);
  test::write(folder.path("in"), test::random_bytes(96 * 96 * 3, 3));
  REQUIRE(command({"run", folder.path("m"), "--input", folder.path("in"), "--dump", dump}).code == 0);
  for (const auto& entry : std::filesystem::directory_iterator(dump)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".tsv") || name.find("SOFTMAX") != std::string::npos) {
      continue;
    }
    const test::Bytes bytes = test::read(entry.path().string());
    std::array<std::size_t, 256> histogram{};
    for (const std::byte b : bytes) {
      ++histogram[std::to_integer<std::size_t>(b)];
    }
    const auto used = std::count_if(histogram.begin(), histogram.end(), [](std::size_t n) { return n != 0; });
    CAPTURE(name);
    CHECK(used > 40);
    CHECK(histogram[0x7f] < bytes.size() / 10);  // the highest int8: clamped from above
    CHECK(histogram[0x80] < bytes.size() / 2);   // the lowest: RELU's zero
  }
}
