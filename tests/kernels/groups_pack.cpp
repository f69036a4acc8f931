// SPDX-License-Identifier: Apache-2.0
/// @file kernels/groups_pack.cpp
/// Filters side by side: weight by weight, whatever is done sixteen at a time.
#include <doctest/doctest.h>

#include <kinglet/kernels/pointwise/groups_pack.hpp>
#include <support/random.hpp>
#include <vector>

using namespace kinglet;

namespace {

template <index_t Group, class W>
void check_groups(std::uint64_t seed) {
  test::Random random(seed);
  for (int i = 0; i < 200; ++i) {
    const index_t depth = random.in(1, 50);
    const index_t first = random.in(0, 3);
    const auto lanes = static_cast<std::size_t>(random.in(1, 40));
    const std::int32_t missing = random.in(-128, 127);
    std::vector<std::vector<W>> weights(lanes);
    std::vector<const W*> filters(lanes);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      weights[lane].resize(static_cast<std::size_t>(first + depth));
      std::generate(weights[lane].begin(), weights[lane].end(), [&] { return random.element<W>(); });
      filters[lane] = random.one_in(12) ? nullptr : weights[lane].data();
    }
    const auto group_bytes = static_cast<std::ptrdiff_t>(lanes) * Group;
    const std::ptrdiff_t stride = group_bytes + random.in(0, 9);
    const index_t groups = (depth + Group - 1) / Group;
    std::vector<std::byte> packed(static_cast<std::size_t>((groups - 1) * stride + group_bytes));
    pointwise::pack_groups<Group>(pointwise::FilterGroups<W>{filters, first, depth, missing}, stride,
                                  packed.data());
    int wrong = 0;
    for (index_t k = 0; k < groups * Group; ++k) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        const bool real = filters[lane] != nullptr && k < depth;
        const std::int32_t w =
            real ? weights[lane][static_cast<std::size_t>(first + k)] - (std::is_signed_v<W> ? 0 : 128)
                 : missing;
        const std::ptrdiff_t at = k / Group * stride + static_cast<std::ptrdiff_t>(lane) * Group + k % Group;
        wrong += packed[static_cast<std::size_t>(at)] == static_cast<std::byte>(w) ? 0 : 1;
      }
    }
    CAPTURE(depth);
    CAPTURE(lanes);
    CHECK(wrong == 0);
  }
}

}  // namespace

TEST_CASE("groups of filters are where they should be") {
  check_groups<2, std::int8_t>(1);
  check_groups<2, std::uint8_t>(2);
  check_groups<4, std::int8_t>(3);
  check_groups<4, std::uint8_t>(4);
}

TEST_CASE("sums of weights are exact, however many there are") {
  const std::vector<std::uint8_t> most((1 << 16) + 3, 255);
  CHECK(pointwise::sum_of_weights(std::span(most), 0) == std::int64_t{127} * ((1 << 16) + 3));
  CHECK(pointwise::sum_of_weights(std::span(most), -128) == std::int64_t{255} * ((1 << 16) + 3));
  const std::vector<std::int8_t> least(70'000, -128);
  CHECK(pointwise::sum_of_weights(std::span(least), 127) == std::int64_t{-255} * 70'000);
}
