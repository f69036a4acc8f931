// SPDX-License-Identifier: Apache-2.0
/// @file isa/requantize_words_avx512.cpp
/// The output stage of 16-bit activations equals the scalar one bit for bit wherever it says that it does.
#include <doctest/doctest.h>

#include <kinglet/isa/requantize_words_avx512.hpp>

#if !(defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__))

TEST_CASE("AVX-512 output stage of 16-bit activations") {
  MESSAGE("skipped: built for a target without AVX-512");
}
#else

#include "support/near_ties.hpp"
#include "support/random.hpp"

using namespace kinglet;

namespace {

/// Whether 16 channels' sums have the outputs that they should.
bool equals(const Multiplier* multipliers, const std::int32_t* x) {
  alignas(64) std::int32_t sums[16];
  alignas(64) std::int32_t y[16];
  std::copy_n(x, 16, sums);
  _mm512_store_si512(y, isa::requantize_words(_mm512_load_si512(sums), isa::WordBlock16::make(multipliers)));
  for (std::size_t c = 0; c < 16; ++c) {
    if (y[c] != requantize<double_rounding>(std::int64_t{x[c]}, multipliers[c])) {
      return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("AVX-512 output stage of 16-bit activations: which multipliers it holds") {
  CHECK(isa::WordBlock16::holds({1 << 30, -1}));
  CHECK(isa::WordBlock16::holds({1 << 30, -17}));
  CHECK(isa::WordBlock16::holds({0, 5}));
  CHECK_FALSE(isa::WordBlock16::holds({1 << 30, 0}));
  CHECK_FALSE(isa::WordBlock16::holds({1 << 30, -18}));
}

TEST_CASE("AVX-512 output stage of 16-bit activations: ends, ties and random sums of every shift") {
  test::Random random(71);
  for (int shift = -17; shift <= -1; ++shift) {
    CAPTURE(shift);
    const int right = 15 - shift;
    for (int round = 0; round < 200; ++round) {
      Multiplier multipliers[16];
      for (Multiplier& m : multipliers) {
        constexpr std::int32_t ends[] = {1 << 30, (1 << 30) + (1 << 15), 0x7ffeffff, 0x7fff0000, INT32_MAX,
                                         0};
        const int kind = random.in(0, 11);
        m = {kind < 6 ? ends[kind] : random.in<std::int32_t>(1 << 30, INT32_MAX), shift};
      }
      std::int32_t x[16];
      const auto check = [&](const auto& make) {
        for (std::size_t c = 0; c < 16; ++c) {
          x[c] = make(c);
        }
        CHECK(equals(multipliers, x));
      };
      check([](std::size_t c) { return c % 2 == 0 ? INT32_MIN : INT32_MAX; });
      check([&](std::size_t) { return random.in<std::int32_t>(INT32_MIN, INT32_MAX); });
      // Both sides of y - 1/2: the sums around (y - 1/2) 2^right / q16.
      check([&](std::size_t c) {
        const std::int64_t q = std::max(upper_15_bits(multipliers[c].value), 1);
        const std::int64_t y = random.in(-32768, 32767);
        return test::clip_to_int32((y * 2 - 1) * (std::int64_t{1} << (right - 1)) / q + random.in(-1, 1));
      });
    }
  }
}

#endif
