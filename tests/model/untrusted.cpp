// SPDX-License-Identifier: Apache-2.0
/// @file tests/model/untrusted.cpp
/// Damaged files: refused, or safe to read throughout. Worth most under AddressSanitizer.
#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <random>
#include <support/data.hpp>

#include "small_model.hpp"
#include "sweep.hpp"

namespace {

using kinglet::Model;

/// A copy without a spare byte behind it, so that a sanitizer sees the first read that goes too far.
class ExactCopy {
 public:
  explicit ExactCopy(std::span<const std::byte> bytes)
      : bytes_(new std::byte[bytes.size()]), size_(bytes.size()) {
    std::memcpy(bytes_.get(), bytes.data(), size_);
  }
  [[nodiscard]] std::span<std::byte> get() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_;
};

/// Opens and reads everything; whether it opened.
bool survives(std::span<const std::byte> bytes) {
  const auto model = Model::open(bytes);
  if (model) {
    static_cast<void>(test::sweep(*model));
  }
  return model.ok();
}

/// Changes 1 to 4 places: any byte, or a 32-bit number as offsets, sizes and indexes are.
void damage(std::span<std::byte> bytes, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  for (std::size_t n = 1 + below(4); n > 0; --n) {
    if (below(2) == 0) {
      bytes[below(bytes.size())] = static_cast<std::byte>(random());
      continue;
    }
    const std::uint32_t edges[] = {
        0,          1,          2,          0x7fffffff,
        0x80000000, 0xffffffff, 0x00ffffff, static_cast<std::uint32_t>(below(bytes.size()))};
    const std::uint32_t value = edges[below(std::size(edges))];
    std::memcpy(&bytes[4 * below(bytes.size() / 4)], &value, sizeof value);
  }
}

/// `rounds` damaged copies; how many were accepted.
int damage_rounds(const std::vector<std::byte>& file, int rounds) {
  std::mt19937 random(12345);
  const ExactCopy copy(file);
  int accepted = 0;
  for (int i = 0; i < rounds; ++i) {
    std::memcpy(copy.get().data(), file.data(), file.size());
    damage(copy.get(), random);
    accepted += survives(copy.get()) ? 1 : 0;
  }
  return accepted;
}

std::vector<std::byte> real_model() {
  const auto folder = test::data_folder();
  return folder ? test::read_file(*folder / "models/kws_ref_model.tflite") : std::vector<std::byte>{};
}

}  // namespace

TEST_CASE("Every truncation of a written model is refused") {
  const std::vector<std::byte> file = test::small_model();
  REQUIRE(survives(ExactCopy(file).get()));
  for (std::size_t size = 0; size < file.size(); ++size) {
    CHECK_FALSE(survives(ExactCopy(std::span(file).first(size)).get()));
  }
}

TEST_CASE("Every truncation of a real model is refused") {
  const std::vector<std::byte> file = real_model();
  if (file.empty()) {
    MESSAGE("skipped: no data folder");
    return;
  }
  REQUIRE(survives(file));
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < file.size(); ++size) {
    accepted += Model::open(std::span(file).first(size)) ? 1U : 0U;
  }
  CHECK(accepted == 0);
}

TEST_CASE("Every single bit of a small model, flipped") {
  const std::vector<std::byte> file = test::small_model();
  const ExactCopy copy(file);
  int accepted = 0;
  for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
    const std::byte mask{static_cast<unsigned char>(1U << (bit % 8))};
    copy.get()[bit / 8] ^= mask;
    accepted += survives(copy.get()) ? 1 : 0;
    copy.get()[bit / 8] ^= mask;
  }
  // Bits of constants, names and scales change a model without breaking it; most of the rest must not pass.
  CHECK(accepted > 0);
  CHECK(accepted < static_cast<int>(8 * file.size()));
}

TEST_CASE("Random damage to a small model") {
  CHECK(damage_rounds(test::small_model(), 20'000) > 0);
}

TEST_CASE("Random damage to a real model") {
  const std::vector<std::byte> file = real_model();
  if (file.empty()) {
    MESSAGE("skipped: no data folder");
    return;
  }
  CHECK(damage_rounds(file, 1'000) > 0);
}
