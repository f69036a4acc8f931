// SPDX-License-Identifier: Apache-2.0
/// @file tensors.cpp
/// `kinglet run` on raw tensors: samples, several inputs and outputs, dumps, output files.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "support.hpp"

using test::Bytes;
using test::command;

namespace {

/// Outputs a + b and its copy: two inputs, two outputs.
Bytes adding_model() {
  kinglet::ModelWriter writer;
  const auto tensor = [&](const char* name) {
    return writer.add_tensor({.name = name, .shape = {1, 4}, .scales = {0.5F}, .zero_points = {0}});
  };
  const std::int32_t a = tensor("a");
  const std::int32_t b = tensor("b");
  const std::int32_t sum = tensor("sum");
  const std::int32_t copy = tensor("copy");
  writer.add_operator(kinglet::BuiltinOperator::add, {a, b}, {sum}, kinglet::AddOptions{});
  const std::vector<std::int32_t> shape{1, 4};
  writer.add_operator(kinglet::BuiltinOperator::reshape, {sum}, {copy},
                      kinglet::ReshapeOptions{.new_shape = shape});
  writer.set_inputs({a, b});
  writer.set_outputs({sum, copy});
  return writer.finish();
}

Bytes small(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) {
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

}  // namespace

TEST_CASE("N samples in one file give N outputs, each as if it were alone") {
  const test::Folder folder;
  const std::string model = folder.path("m.tflite");
  REQUIRE(command({"generate", model, "--width", "0.35", "--size", "96", "--classes", "20"}).code == 0);
  const std::size_t size = 96 * 96 * 3;
  std::vector<Bytes> outputs;
  std::vector<Bytes> samples;
  for (const std::uint32_t seed : {1U, 2U, 3U}) {
    samples.push_back(test::random_bytes(size, seed));
    test::write(folder.path("one.bin"), samples.back());
    REQUIRE(
        command({"run", model, "--input", folder.path("one.bin"), "--output", folder.path("one.out")}).code ==
        0);
    outputs.push_back(test::read(folder.path("one.out")));
    CHECK(outputs.back().size() == 20);
  }
  CHECK(outputs[0] != outputs[1]);
  test::write(folder.path("all.bin"), test::join(samples));
  for (const char* profile : {"tflm", "tflite", "single"}) {
    const auto result = command({"run", "--conform", profile, "--input", folder.path("all.bin"), "--output",
                                 folder.path("all.out"), "--dump", folder.path("dump"), model});
    CHECK(result.code == 0);
    CHECK(result.err.empty());
    CHECK(result.out.starts_with("3 samples"));
    if (std::string(profile) == "tflm") {
      CHECK(test::read(folder.path("all.out")) == test::join(outputs));
    }
    // The dump: a file an operator, three samples each; the last operator's is the output.
    std::istringstream index(test::read_text(folder.path("dump/index.tsv")));
    std::string line;
    std::getline(index, line);
    CHECK(line == "operator\tname\ttensor\ttype\tshape\tbytes\tfile");
    std::size_t rows = 0;
    std::string last;
    while (std::getline(index, line)) {
      std::istringstream cells(line);
      std::string op, name, tensor, type, shape, bytes;
      std::getline(cells, op, '\t');
      std::getline(cells, name, '\t');
      std::getline(cells, tensor, '\t');
      std::getline(cells, type, '\t');
      std::getline(cells, shape, '\t');
      std::getline(cells, bytes, '\t');
      std::getline(cells, last, '\t');
      CHECK(op == std::to_string(rows));
      CHECK(type == "INT8");
      CHECK(last == std::string(3 - std::min<std::size_t>(3, op.size()), '0') + op + "_" + name + ".bin");
      CHECK(test::read(folder.path("dump/" + last)).size() == 3 * std::stoul(bytes));
      ++rows;
    }
    CHECK(rows == 65);
    CHECK(test::read(folder.path("dump/" + last)) == test::read(folder.path("all.out")));
  }
}

TEST_CASE("a file that holds no whole number of samples is an error that names both sizes") {
  const test::Folder folder;
  const std::string model = folder.path("m.tflite");
  test::write(model, test::copying_model(2, 2, 3));
  for (const std::size_t size : std::array<std::size_t, 4>{0, 1, 11, 13}) {
    test::write(folder.path("in.bin"), test::random_bytes(size, 1));
    const auto result =
        command({"run", model, "--input", folder.path("in.bin"), "--output", folder.path("out.bin")});
    CHECK(result.is_error(1));
    CHECK(result.err.find(" " + std::to_string(size) + " bytes") != std::string::npos);
    CHECK(result.err.find(" 12 bytes") != std::string::npos);
  }
  // Neither the output nor a part of it is left.
  CHECK(folder.names() == std::vector<std::string>{"in.bin", "m.tflite"});
}

TEST_CASE("several inputs and outputs: a file each, or one file with all back to back") {
  const test::Folder folder;
  const std::string model = folder.path("m.tflite");
  test::write(model, adding_model());
  const Bytes a = small({1, 2, 3, 4, 10, 20, 30, 40});
  const Bytes b = small({0, 1, -1, 100, 1, 2, 3, -4});
  const Bytes sum = small({1, 3, 2, 104, 11, 22, 33, 36});
  test::write(folder.path("a"), a);
  test::write(folder.path("b"), b);
  test::write(folder.path("ab"), small({1, 2, 3, 4, 0, 1, -1, 100, 10, 20, 30, 40, 1, 2, 3, -4}));
  const auto run = [&](std::vector<std::string> rest) {
    rest.insert(rest.begin(), {"run", model});
    return command(rest);
  };
  CHECK(run({"--input", folder.path("a"), "--input", folder.path("b"), "--output", folder.path("x"),
             "--output", folder.path("y")})
            .code == 0);
  CHECK(test::read(folder.path("x")) == sum);
  CHECK(test::read(folder.path("y")) == sum);
  CHECK(run({"--input", folder.path("ab"), "--output", folder.path("z")}).code == 0);
  CHECK(test::read(folder.path("z")) == small({1, 3, 2, 104, 1, 3, 2, 104, 11, 22, 33, 36, 11, 22, 33, 36}));

  const std::string in = folder.path("a");
  const std::string out = folder.path("w");
  test::write(folder.path("short"), small({1, 2, 3, 4}));
  CHECK(run({"--input", in, "--input", folder.path("short"), "--output", out}).is_error(1));
  CHECK(run({"--input", in, "--input", in, "--input", in, "--output", out}).is_error(1));
  CHECK(run({"--input", folder.path("ab"), "--output", out, "--output", folder.path("v"), "--output",
             folder.path("u")})
            .is_error(1));
  CHECK(run({"--input", folder.path("ab"), "--output", out, "--output", out}).is_error(2));
  CHECK(!std::filesystem::exists(out));
}

TEST_CASE("output files") {
  const test::Folder folder;
  const std::string model = folder.path("m.tflite");
  const std::string in = folder.path("in");
  test::write(model, test::copying_model(2, 2, 3));
  test::write(in, test::random_bytes(24, 7));
  const auto run = [&](const std::string& out) {
    return command({"run", model, "--input", in, "--output", out});
  };

  CHECK(run(folder.path("no/such/folder")).is_error(1));
  CHECK(run(folder.path(".")).is_error(1));
  CHECK(command({"generate", folder.path("no/such/folder")}).is_error(1));
  if (std::filesystem::exists("/dev/full")) {
    CHECK(run("/dev/full").is_error(1));
    CHECK(run("/dev/null").code == 0);
    CHECK(std::filesystem::is_character_file("/dev/null"));
  }
  // Written over an older file, through a link, and over the input itself.
  test::write(folder.path("old"), std::string("old contents"));
  std::filesystem::create_symlink(folder.path("old"), folder.path("link"));
  CHECK(run(folder.path("link")).code == 0);
  CHECK(std::filesystem::is_symlink(folder.path("link")));
  CHECK(test::read(folder.path("old")) == test::random_bytes(24, 7));
  CHECK(run(in).code == 0);
  CHECK(test::read(in) == test::random_bytes(24, 7));
  CHECK(folder.names() == std::vector<std::string>{"in", "link", "m.tflite", "old"});
  // A dump into something that is no directory: the output, begun before, does not stay either.
  CHECK(command({"run", model, "--input", in, "--output", folder.path("new"), "--dump", model}).is_error(1));
  CHECK(folder.names() == std::vector<std::string>{"in", "link", "m.tflite", "old"});
}

TEST_CASE("golden outputs of real models, where the data is there") {
  const std::string data = test::data_folder();
  if (data.empty()) {
    return;
  }
  const test::Folder folder;
  const auto matches = [&](const std::string& model, const std::string& input, const std::string& golden,
                           const char* profile) {
    const auto result =
        command({"run", data + "/models/" + model + ".tflite", "--input", data + "/inputs/" + input,
                 "--output", folder.path("out"), "--conform", profile});
    CAPTURE(result.err);
    return result.code == 0 && test::read(folder.path("out")) == test::read(data + "/golden/" + golden);
  };
  CHECK(matches("kws_ref_model", "kws500.i8", "kws_ref_model__kws500.D.bin", "tflm"));
  CHECK(matches("kws_ref_model", "kws500.i8", "kws_ref_model__kws500.T.bin", "tflite"));
  CHECK(matches("kws_ref_model", "kws500.i8", "kws_ref_model__kws500.S.bin", "single"));
  CHECK(matches("vww_96_int8", "vww_96_int8__cat.bin", "vww_96_int8__cat.D.bin", "tflm"));
  CHECK(!matches("kws_ref_model", "kws500.i8", "kws_ref_model__kws500.S.bin", "tflm"));
}
