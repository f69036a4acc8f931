// SPDX-License-Identifier: Apache-2.0
/// @file targets.cpp
/// `kinglet targets`, `--target` and KINGLET_TARGET.
#include <doctest/doctest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "support.hpp"

using json = nlohmann::json;
using test::command;

namespace {

/// KINGLET_TARGET of the commands that follow, until the case ends.
struct Environment {
  explicit Environment(const char* value) { setenv("KINGLET_TARGET", value, 1); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() { unsetenv("KINGLET_TARGET"); }
};

json listed() {
  const auto result = command({"targets", "--json"});
  REQUIRE(result.code == 0);
  return json::parse(result.out);
}

}  // namespace

TEST_CASE("kinglet targets: each target, what it falls back to, and its kernels") {
  unsetenv("KINGLET_TARGET");
  const json all = listed();
  CHECK(all["targets"].size() == 9);
  int chosen = 0;
  bool better = false;  // one that is compiled in and runs has come
  for (const json& target : all["targets"]) {
    CAPTURE(target.dump());
    const bool usable = target["compiled_in"].get<bool>() && target["runnable"].get<bool>();
    CHECK(target["chosen"] == (usable && !better));
    better = better || usable;
    CHECK(target["fallback"].is_null() == (target["name"] == "scalar"));
    CHECK(target["kernels"].is_null() != target["compiled_in"].get<bool>());
    if (target["compiled_in"].get<bool>()) {
      CHECK(target["kernels"].size() == 13);
      CHECK(target["kernels"]["softmax"].is_string());
    }
    if (target["chosen"].get<bool>()) {
      ++chosen;
      CHECK(target["name"] == all["chosen"]);
    }
  }
  CHECK(chosen == 1);

  const auto text = command({"targets"});
  CHECK(text.code == 0);
  CHECK(text.out.find("* " + all["chosen"].get<std::string>()) != std::string::npos);
  CHECK(text.out.find("generic: ") != std::string::npos);
  CHECK(command({"--version"}).out.find("(" + all["chosen"].get<std::string>() + ")") != std::string::npos);
}

TEST_CASE("--target says what runs, all targets compute the same, and bench tells which it was") {
  unsetenv("KINGLET_TARGET");
  const test::Folder folder;
  const std::string model = folder.path("m.tflite");
  REQUIRE(command({"generate", model, "--width", "0.2", "--size", "40", "--classes", "30"}).code == 0);
  const std::string input = folder.path("in.bin");
  test::write(input, test::random_bytes(3 * 40 * 40 * 3, 7));
  test::Bytes expected;
  const json all = listed();
  for (const json& target : all["targets"]) {
    const auto name = target["name"].get<std::string>();
    CAPTURE(name);
    const std::string output = folder.path(name);
    const auto ran = command({"run", model, "--target", name, "--input", input, "--output", output});
    const auto bench = command({"bench", model, "--runs", "2", "--json", "--target", name});
    const auto inspected = command({"inspect", model, "--json", "--target", name});
    if (!target["compiled_in"].get<bool>() || !target["runnable"].get<bool>()) {
      for (const auto& result : {ran, bench, inspected}) {
        CHECK(result.is_error(1));
        CHECK(result.err.find("--target '" + name + "'") != std::string::npos);
      }
      continue;
    }
    REQUIRE(ran.code == 0);
    REQUIRE(bench.code == 0);
    CHECK(inspected.code == 0);
    CHECK(json::parse(bench.out)["target"] == name);
    const test::Bytes bytes = test::read(output);
    CHECK(bytes.size() == 90);
    CHECK(bytes == (expected.empty() ? bytes : expected));
    expected = bytes;

    const Environment other(name.c_str());
    CHECK(json::parse(command({"bench", model, "--runs", "2", "--json"}).out)["target"] == name);
    CHECK(listed()["chosen"] == name);
  }
}

TEST_CASE("a target that is none is bad usage, an empty KINGLET_TARGET is none at all") {
  unsetenv("KINGLET_TARGET");
  const auto result = command({"bench", "--target", "AVX2"});
  CHECK(result.is_error(2));
  CHECK(result.err.find("'AVX2'") != std::string::npos);
  CHECK(result.err.find("compiled in are: ") != std::string::npos);
  CHECK(command({"bench", "--target", ""}).is_error(2));
  const std::string best = listed()["chosen"];
  {
    const Environment empty("");
    CHECK(listed()["chosen"] == best);
  }
  const Environment unknown("fast");
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"bench"}, {"targets"}, {"run"}}) {
    const auto failed = command(arguments);
    CHECK(failed.is_error(2));
    CHECK(failed.err.find("KINGLET_TARGET 'fast'") != std::string::npos);
  }
  CHECK(command({"--version"}).code == 0);
}
