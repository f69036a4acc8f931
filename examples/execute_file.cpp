// SPDX-License-Identifier: Apache-2.0
/// @file execute_file.cpp
/// Runs a .tflite file: `execute_file MODEL`, or a generated model when there is none.
#include <cstdio>
#include <fstream>
#include <kinglet/core/message.hpp>
#include <kinglet/runtime/owning_executor.hpp>
#include <sstream>

#include "generated_model.hpp"

namespace {

std::vector<std::byte> load(const char* path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  const std::string bytes = std::move(text).str();
  const auto* const first = reinterpret_cast<const std::byte*>(bytes.data());
  return {first, first + bytes.size()};
}

int fail(const kinglet::Status& status) {
  char text[kinglet::message_capacity];
  const auto message = kinglet::message(status, text);
  std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  // The bytes must stay where they are: weights are used in place.
  const std::vector<std::byte> bytes =
      argc > 1 ? load(argv[1]) : kinglet::examples::generated_model({.width = 0.35, .size = 96});
  const auto model = kinglet::Model::open(bytes);
  if (!model) {
    return fail(model.status());
  }
  auto executor = kinglet::OwningExecutor<>::create(*model);
  if (!executor) {
    return fail(executor.status());
  }
  kinglet::OwningExecutor<>& network = *executor;

  for (std::byte& value : network->input_bytes(0)) {
    value = std::byte{42};  // a picture would go here; input<std::int8_t>(0) has the elements
  }
  network->run();
  const std::span<const std::byte> output = network->output_bytes(0);
  std::printf("arena: %zu bytes, output:", network.needs().arena_bytes);
  for (std::size_t i = 0; i < output.size() && i < 8; ++i) {
    std::printf(" %d", std::to_integer<int>(output[i]));
  }
  std::printf("%s\n", output.size() > 8 ? " ..." : "");
  return 0;
}
