// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any bytes as a model, through opening, checking, planning, preparing and running. An input is 1 byte of
// choice, then the file. Start it on a folder with a few models: `fuzz_model corpus/`, where `fuzz_model_seed corpus/`
// has written some.
#include <runtime/damage.hpp>

#include <cstring>
#include <memory>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  // A copy of its own: aligned, and without a spare byte behind it.
  const std::size_t bytes = size - 1;
  const std::unique_ptr<std::byte[]> copy(new std::byte[bytes]);
  std::memcpy(copy.get(), data + 1, bytes);
  const std::span<const std::byte> file(copy.get(), bytes);
  constexpr std::uint64_t most_work = 2'000'000;
  constexpr std::size_t most_bytes = std::size_t{1} << 24;
  if (data[0] % 2 == 0) {
    test::try_file<kinglet::profile::tflm>(file, most_work, most_bytes);
  } else {
    test::try_file<kinglet::profile::tflite>(file, most_work, most_bytes);
  }
  return 0;
}
