// SPDX-License-Identifier: Apache-2.0
// Real models against the outputs that other engines computed, byte for byte: every case of the data's manifest and
// every operator's output where the data has its hash.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <kinglet/core/message.hpp>
#include <limits>
#include <support/data.hpp>
#include <support/sha256.hpp>

#include "operators.hpp"

using namespace kinglet;

namespace {

/// Its operators come later; the manifest's cases of it are counted and said to be skipped.
constexpr std::string_view not_yet = "deeplabv3_mnv2_dm05_pascal_quant";

/// Samples of a file that are run. Sanitizers say of all what they say of a few.
#ifdef KINGLET_FEW_SAMPLES
constexpr std::size_t most_samples = 4;
#else
constexpr std::size_t most_samples = std::numeric_limits<std::size_t>::max();
#endif

/// Runs every sample of `input` and returns the outputs back to back.
template <class Executor>
std::vector<std::byte> run_all(Executor& executor, std::span<const std::byte> input) {
  const std::size_t sample = executor->input_bytes(0).size();
  std::vector<std::byte> result;
  for (std::size_t at = 0; at < input.size(); at += sample) {
    std::ranges::copy(input.subspan(at, sample), executor->input_bytes(0).begin());
    executor->run();
    const auto output = executor->output_bytes(0);
    result.insert(result.end(), output.begin(), output.end());
  }
  return result;
}

template <class P>
struct Loaded {
  std::vector<std::byte> file;
  Result<test::OwningExecutor<P>> executor;

  Loaded(const std::filesystem::path& path, Aim aim)
      : file(test::read_file(path)), executor(open(file, aim)) {
    std::array<char, 512> text{};
    INFO(path.string(), ": ", std::string(message(executor.status(), text)));
    REQUIRE(executor);
  }
  static Result<test::OwningExecutor<P>> open(std::span<const std::byte> bytes, Aim aim) {
    const auto model = Model::open(bytes);
    return model ? test::OwningExecutor<P>::create(*model, aim)
                 : Result<test::OwningExecutor<P>>(model.status());
  }
};

/// Cases of one family whose input is, or is not, a file of many samples.
template <class P>
void check_family(const std::string& family, bool many_samples) {
  const auto data = test::data_folder();
  if (!data) {
    MESSAGE("skipped: no data folder");
    return;
  }
  int checked = 0;
  int skipped = 0;
  std::size_t samples_left = 0;
  for (const auto& row : test::read_table(*data / "golden/MANIFEST.tsv")) {
    const bool many =
        row[1].find("imagenet40") != std::string::npos || row[1].find("kws500") != std::string::npos;
    if (row[2] != family || many != many_samples) {
      continue;
    }
    if (row[0] == not_yet) {
      ++skipped;
      continue;
    }
    for (const Aim aim : {Aim::automatic, Aim::fast, Aim::small}) {
      if (many && aim != Aim::automatic) {
        continue;  // hundreds of samples: once is enough
      }
      Loaded<P> model(*data / "models" / (row[0] + ".tflite"), aim);
      const bool random = row[1].starts_with("@rand");
      const auto input = random
                             ? test::xorshift_bytes(static_cast<std::uint32_t>(std::stoul(row[1].substr(5))),
                                                    (*model.executor)->input_bytes(0).size())
                             : test::read_file(*data / row[1]);
      auto expected = test::read_file(*data / row[3]);
      INFO(row[0], " ", row[1], " ", family, ", aim ", static_cast<int>(aim));
      CHECK(test::sha256(expected) == row[4]);
      const std::size_t sample = (*model.executor)->input_bytes(0).size();
      REQUIRE(input.size() % sample == 0);
      const std::size_t samples = input.size() / sample;
      REQUIRE(samples > 0);
      REQUIRE(expected.size() % samples == 0);
      const std::size_t run = std::min(samples, most_samples);
      expected.resize(expected.size() / samples * run);
      CHECK(run_all(*model.executor, std::span(input).first(run * sample)) == expected);
      samples_left += samples - run;
    }
    ++checked;
  }
  REQUIRE(checked > 0);
  MESSAGE(family, ": ", checked, " cases checked, ", skipped, " skipped (", not_yet, ": operators to come), ",
          samples_left, " samples skipped");
}

template <class P>
void check_layers(const std::string& family) {
  const auto data = test::data_folder();
  if (!data) {
    MESSAGE("skipped: no data folder");
    return;
  }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*data / "golden/layers")) {
    const std::string name = entry.path().stem().stem().string();  // MODEL__INPUT
    if (entry.path().stem().extension() != "." + family || name.starts_with(not_yet)) {
      continue;
    }
    const auto rows = test::read_table(entry.path());
    Loaded<P> model(*data / "models" / (name.substr(0, name.find("__")) + ".tflite"), Aim::observed);
    const auto input = test::read_file(*data / "inputs" / (name + ".bin"));
    REQUIRE(input.size() == (*model.executor)->input_bytes(0).size());
    std::ranges::copy(input, (*model.executor)->input_bytes(0).begin());
    std::size_t next = 0;
    (*model.executor)->run([&](std::int32_t index, std::span<const std::byte> output) {
      INFO(name, " ", family, ", operator ", index);
      REQUIRE(next < rows.size());
      REQUIRE(std::to_string(index) == rows[next][0]);
      CHECK(test::sha256(output) == rows[next][6]);
      ++next;
    });
    CHECK(next == rows.size());
    ++files;
  }
  CHECK(files > 0);
}

}  // namespace

TEST_CASE("golden outputs, profile tflm") {
  check_family<profile::tflm>("D", false);
}
TEST_CASE("golden outputs, profile tflite") {
  check_family<profile::tflite>("T", false);
}
TEST_CASE("golden outputs, profile single") {
  check_family<profile::single>("S", false);
}
TEST_CASE("golden outputs, profile tflm, many samples") {
  check_family<profile::tflm>("D", true);
}
TEST_CASE("golden outputs, profile tflite, many samples") {
  check_family<profile::tflite>("T", true);
}
TEST_CASE("golden outputs, profile single, many samples") {
  check_family<profile::single>("S", true);
}
TEST_CASE("every operator's output, profile tflm") {
  check_layers<profile::tflm>("D");
}
TEST_CASE("every operator's output, profile tflite") {
  check_layers<profile::tflite>("T");
}
TEST_CASE("every operator's output, profile single") {
  check_layers<profile::single>("S");
}
