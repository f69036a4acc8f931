// SPDX-License-Identifier: Apache-2.0
// Cut and changed files: an error, or an answer. Worth most under AddressSanitizer and UndefinedBehaviorSanitizer.
#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <support/data.hpp>
#include <support/random.hpp>

#include "damage.hpp"
#include "every_operator.hpp"

namespace {

using test::Fate;

constexpr std::uint64_t most_work = 20'000'000;
constexpr std::size_t most_bytes = std::size_t{1} << 26;

/// The bytes without a spare one behind them.
class ExactCopy {
 public:
  explicit ExactCopy(std::span<const std::byte> bytes)
      : bytes_(new std::byte[bytes.size()]), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), bytes_.get());
  }
  [[nodiscard]] std::span<std::byte> get() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_;
};

/// A real model where there is one, and a written one with every operator.
std::vector<std::vector<std::byte>> files() {
  std::vector<std::vector<std::byte>> result = {test::every_operator()};
  const auto data = test::data_folder();
  if (data) {
    result.push_back(test::read_file(*data / "models/kws_ref_model.tflite"));
  } else {
    MESSAGE("skipped: no data folder, no real model");
  }
  return result;
}

int rounds() {
  const char* const wanted = std::getenv("KINGLET_FUZZ");
  return wanted != nullptr && std::string_view(wanted) == "full" ? 20'000 : 2'000;
}

}  // namespace

TEST_CASE("every truncation of a file is refused") {
  for (const auto& file : files()) {
    REQUIRE(test::try_file<kinglet::profile::tflm>(ExactCopy(file).get(), most_work, most_bytes) ==
            Fate::ran);
    std::size_t accepted = 0;
    for (std::size_t size = 0; size < file.size(); ++size) {
      const ExactCopy copy(std::span<const std::byte>(file).first(size));
      accepted += test::try_file<kinglet::profile::tflm>(copy.get(), most_work, most_bytes) == Fate::refused
                      ? 0U
                      : 1U;
    }
    CHECK(accepted == 0);
  }
}

namespace {

/// `change(random, bytes)` on copies of each file; both fates must occur, else the changes are too mild or too wild.
template <class Change>
void check_changes(std::uint64_t seed, Change change) {
  for (const auto& file : files()) {
    test::Random random(seed);
    int counts[3] = {};
    for (int round = 0; round < rounds(); ++round) {
      const ExactCopy copy(file);
      change(random, copy.get());
      ++counts[static_cast<int>(test::try_file<kinglet::profile::tflm>(copy.get(), most_work, most_bytes))];
    }
    MESSAGE(file.size(), " bytes, ", rounds(), " changed files: ", counts[0], " refused, ", counts[1],
            " not run (more than ", most_work, " operations or ", most_bytes, " bytes), ", counts[2], " ran");
    CHECK(counts[0] > 0);
    CHECK(counts[2] > 0);
  }
}

}  // namespace

TEST_CASE("random changes of 1 to 8 bytes: an error or an answer") {
  check_changes(2024, [](test::Random& random, std::span<std::byte> bytes) {
    for (int n = random.in(1, 8); n > 0; --n) {
      bytes[random.in(std::size_t{0}, bytes.size() - 1)] = static_cast<std::byte>(random.in(0, 255));
    }
  });
}

TEST_CASE("words at the edges of integers and of real numbers: an error or an answer") {
  // Extents, indexes, options, zero points and scales; one word at a time, so that more files get past the checks.
  constexpr std::uint32_t edges[] = {0,          1,          2,          3,          0x7f,
                                     0x80,       0xff,       0xffffffff, 0xfffffffe, 0x7fffffff,
                                     0x80000000, 0x01000000, 0x7f7fffff, 0x00800000, 0x00000001,
                                     0x7f800000, 0x7fc00000, 0x3f800000, 0x4b000000, 0x34000000};
  check_changes(2025, [&edges](test::Random& random, std::span<std::byte> bytes) {
    const std::uint32_t edge = edges[random.in(std::size_t{0}, std::size(edges) - 1)];
    std::memcpy(bytes.data() + 4 * random.in(std::size_t{0}, bytes.size() / 4 - 1), &edge, sizeof edge);
  });
}
