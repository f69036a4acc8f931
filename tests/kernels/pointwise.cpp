// SPDX-License-Identifier: Apache-2.0
/// @file kernels/pointwise.cpp
/// 1x1 CONV_2D: the reference equals CONV_2D's, and the other kernels equal it everywhere.
#include <doctest/doctest.h>

#include <kinglet/kernels/pointwise/avx2.hpp>
#include <kinglet/kernels/select.hpp>

#include "support/convolution.hpp"

using namespace kinglet;
using test::Kind;

namespace {

struct Shape {
  index_t batch = 1;
  index_t height = 1;
  index_t width = 1;
  index_t channels = 1;
  index_t outputs = 1;
};

using Kernels = test::Kernels<pointwise::Reference, pointwise::Generic, select::native::pointwise>;

template <class K, template <class> class Memory = test::Misaligned>
std::string differing(const Shape& s, test::Random& random, int right = 0) {
  const Nhwc input{s.batch, s.height, s.width, s.channels};
  const Ohwi filter{s.outputs, 1, 1, s.channels};
  const Nhwc output{s.batch, s.height, s.width, s.outputs};
  test::RandomConvolution<K, Memory> c(
      {input.size(), filter.size(), output.size(), s.outputs, static_cast<std::size_t>(s.channels)}, random);
  if (right != 0) {  // multipliers as layers have them: about 2^-right
    for (Multiplier& m : c.multipliers) {
      m = {random.in<std::int32_t>(1 << 30, INT32_MAX), random.in(-right - 2, -right + 2)};
    }
  }
  return c.template differing<Kernels>(input, filter, output);
}

}  // namespace

TEST_CASE("reference: channels of a pixel times channels of a filter") {
  const std::int8_t input[] = {1, 2, 3, 4};
  const std::int8_t filter[] = {1, 10, -1, 0, 5, 5};
  const std::int32_t bias[] = {0, 1, -11};
  const Multiplier one[] = {{1 << 30, 1}, {1 << 30, 1}, {1 << 30, -1}};
  std::int8_t output[6] = {};
  const Convolution<std::int8_t, std::int8_t, Nhwc, Ohwi, Nhwc> tensors{
      {input, {1, 1, 2, 2}}, {filter, {3, 1, 1, 2}}, bias, {output, {1, 1, 2, 3}}};
  pointwise::Reference::run<double_rounding>(tensors, {1, 0, {one, 0, -128, 127}});
  CHECK(output[0] == 10);
  CHECK(output[1] == 1);
  CHECK(output[2] == -2);  // (5 - 11) / 4 = -1.5, away from zero
  CHECK(output[3] == 32);
  CHECK(output[4] == -1);
  CHECK(output[5] == 4);  // (25 - 11) / 4 = 3.5
}

TEST_CASE_TEMPLATE("reference equals CONV_2D's", K, Kind<std::int8_t, std::int8_t, double_rounding_upward>,
                   Kind<std::int16_t, std::int8_t, double_rounding>) {
  using R = typename K::R;
  test::Random random(31);
  const Nhwc input{2, 3, 4, 7};
  const Ohwi filter{5, 1, 1, 7};
  const Nhwc output{2, 3, 4, 5};
  test::RandomConvolution<K> c({input.size(), filter.size(), output.size(), 5, 7}, random);
  conv2d::Reference::run<R>({}, c.tensors(c.expected, input, filter, output), c.q);
  pointwise::Reference::run<R>(c.tensors(c.actual, input, filter, output), c.q);
  CHECK(std::equal(c.expected.begin(), c.expected.end(), c.actual.begin()));
}

TEST_CASE_TEMPLATE("kernels equal reference: channels and outputs", K, KINGLET_CONVOLUTION_KINDS) {
  test::Random random(32);
  for (const index_t channels : test::channel_counts) {
    for (const index_t outputs : test::channel_counts) {
      const Shape s{random.in(1, 2), random.in(1, 3), random.in(1, 5), channels, outputs};
      CAPTURE(s.batch * s.height * s.width);
      CAPTURE(channels);
      CAPTURE(outputs);
      CHECK(differing<K>(s, random) == "");
    }
  }
}

TEST_CASE_TEMPLATE("kernels equal reference: pixels around tiles", K, KINGLET_CONVOLUTION_KINDS) {
  test::Random random(35);
  for (index_t pixels = 1; pixels <= 30; ++pixels) {
    for (const index_t outputs : {3, 16, 32, 48, 64, 80, 150}) {
      for (const index_t channels : {4, 9, 12, 18, 31, 48}) {
        CAPTURE(pixels);
        CAPTURE(outputs);
        CAPTURE(channels);
        CHECK(differing<K>({1, 1, pixels, channels, outputs}, random) == "");
      }
    }
  }
}

TEST_CASE_TEMPLATE("kernels equal reference: few filters in the last vector", K, KINGLET_CONVOLUTION_KINDS) {
  test::Random random(41);
  for (const index_t pixels : {1, 2, 3, 8, 9, 16, 17, 31, 57}) {
    for (const index_t outputs : {1, 5, 7, 8, 17, 20, 24, 72, 83, 88}) {
      for (const index_t channels : {3, 8, 27, 96}) {
        CAPTURE(pixels);
        CAPTURE(outputs);
        CAPTURE(channels);
        const Shape s{1, 1, pixels, channels, outputs};
        CHECK(differing<K, test::Guarded>(s, random, 6) == "");
      }
    }
  }
}

TEST_CASE_TEMPLATE("kernels equal reference: many pixels and filters", K, KINGLET_CONVOLUTION_KINDS) {
  test::Random random(39);
  for (const index_t pixels : {24, 49, 131}) {
    for (const index_t outputs : {64, 81, 104}) {
      for (const index_t channels : {32, 33, 34, 35, 47, 64, 81, 96, 1030}) {
        CAPTURE(pixels);
        CAPTURE(outputs);
        CAPTURE(channels);
        CHECK(differing<K>({1, 1, pixels, channels, outputs}, random) == "");
      }
    }
  }
}

TEST_CASE_TEMPLATE("kernels stay inside their memory", K, Kind<std::int8_t, std::int8_t, double_rounding>,
                   Kind<std::uint8_t, std::uint8_t, double_rounding>,
                   Kind<std::int16_t, std::int8_t, double_rounding>) {
  test::Random random(36);
  for (const index_t channels : test::channel_counts) {
    for (const index_t pixels : {1, 7, 13}) {
      const index_t outputs = test::channel_counts[random.in<std::size_t>(0, 31)];
      CAPTURE(channels);
      CAPTURE(outputs);
      CHECK(differing<K, test::Guarded>({1, 1, pixels, channels, outputs}, random) == "");
    }
    CHECK(differing<K, test::Guarded>({1, 1, 25, channels, 67}, random) == "");
  }
  // More rows than are copied or widened at once, the last of which are fewer.
  for (const index_t channels : {33, 96, 201}) {
    for (const index_t pixels : {71, 150}) {
      CAPTURE(channels);
      CAPTURE(pixels);
      CHECK(differing<K, test::Guarded>({1, 1, pixels, channels, 19}, random) == "");
    }
  }
}

TEST_CASE("kernels equal reference: signed weights of unsigned activations") {
  test::Random random(38);
  for (const index_t channels : test::channel_counts) {
    CAPTURE(channels);
    const Shape s{1, 1, random.in(1, 13), channels, random.in(1, 70)};
    CHECK(differing<Kind<std::uint8_t, std::int8_t, double_rounding>>(s, random) == "");
  }
}

TEST_CASE_TEMPLATE("kernels equal reference: nothing but limits", K,
                   Kind<std::int8_t, std::int8_t, double_rounding>,
                   Kind<std::uint8_t, std::uint8_t, double_rounding>) {
  using T = typename K::T;
  using Limits = std::numeric_limits<T>;
  test::Random random(37);
  constexpr index_t channels = 75;
  for (const index_t pixels : {1, 13}) {
    for (const T x : {Limits::min(), Limits::max()}) {
      // The lowest weight of int8 is one that files need not have: kernels may treat layers without it in another way.
      for (const T w : {Limits::min(), static_cast<T>(Limits::min() + 1), Limits::max()}) {
        test::RandomConvolution<K> c({static_cast<std::size_t>(channels * pixels), channels * 9,
                                      static_cast<std::size_t>(9 * pixels), 9, channels},
                                     random);
        std::fill(c.input.begin(), c.input.end(), x);
        std::fill(c.filter.begin(), c.filter.end(), w);
        CHECK(c.template differing<Kernels>(Nhwc{1, 1, pixels, channels}, Ohwi{9, 1, 1, channels},
                                            Nhwc{1, 1, pixels, 9}) == "");
      }
    }
  }
}

TEST_CASE("kernels equal reference: sums that wrap without a bias' help") {
  // 255 * 255 * 70000 is more than 2^32. Both ways of the kernel: filters in place, and tiles.
  using K = Kind<std::uint8_t, std::uint8_t, double_rounding>;
  for (const index_t pixels : {1, 5, 12}) {
    test::Random random(33);
    test::RandomConvolution<K> c(
        {static_cast<std::size_t>(70000 * pixels), 140000, static_cast<std::size_t>(2 * pixels), 2, 70000},
        random);
    std::fill(c.input.begin(), c.input.end(), std::uint8_t{255});
    std::fill(c.filter.begin(), c.filter.end(), std::uint8_t{255});
    c.multipliers = {{1 << 30, -23}, {1 << 30, -24}};
    c.q = {0, 0, {c.multipliers.data(), 0, 0, 255}};
    CHECK(c.differing<Kernels>(Nhwc{1, 1, pixels, 70000}, Ohwi{2, 1, 1, 70000}, Nhwc{1, 1, pixels, 2}) == "");
  }
}

TEST_CASE_TEMPLATE("kernels equal reference: scaled sums that wrap when the zero point is added", K,
                   Kind<std::int8_t, std::int8_t, double_rounding>,
                   Kind<std::uint8_t, std::uint8_t, double_rounding_upward>) {
  using T = typename K::T;
  test::Random random(37);
  for (const index_t outputs : {16, 32, 48, 64}) {  // every number of vectors
    for (const std::int32_t edge : {INT32_MIN, INT32_MAX}) {
      for (const T zero_point : {std::numeric_limits<T>::min(), std::numeric_limits<T>::max()}) {
        const auto channels = static_cast<std::size_t>(outputs);
        test::RandomConvolution<K> c({7, channels, 7 * channels, outputs, 1}, random);
        std::fill(c.filter.begin(), c.filter.end(), static_cast<typename K::W>(0));
        for (std::size_t o = 0; o < channels; ++o) {
          const std::int32_t below = random.in(0, 400);
          c.bias.data()[o] = edge > 0 ? edge - below : edge + below;
          c.multipliers[o] = {INT32_MAX, 0};  // one, nearly
        }
        c.has_bias = true;
        c.q = {
            0,
            0,
            {c.multipliers.data(), zero_point, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()}};
        CAPTURE(outputs);
        CAPTURE(edge);
        CHECK(c.template differing<Kernels>(Nhwc{1, 1, 7, 1}, Ohwi{outputs, 1, 1, 1},
                                            Nhwc{1, 1, 7, outputs}) == "");
      }
    }
  }
}

TEST_CASE("scratch for more rows is enough for fewer") {
  int less = 0;
  for (const index_t channels : {1, 16, 27, 96, 960, 5000}) {
    for (const index_t outputs : {8, 64, 1000}) {
      std::size_t fewer = 0;
      for (index_t pixels = 1; pixels < 400; ++pixels) {
        const Convolution<std::int8_t, std::int8_t, Nhwc, Ohwi, Nhwc> tensors{
            {nullptr, {1, 1, pixels, channels}},
            {nullptr, {outputs, 1, 1, channels}},
            nullptr,
            {nullptr, {1, 1, pixels, outputs}}};
        const std::size_t bytes = select::native::pointwise::scratch_bytes(tensors);
        less += bytes < fewer ? 1 : 0;
        fewer = bytes;
      }
    }
  }
  CHECK(less == 0);
}

TEST_CASE("kernels equal reference: shapes known to the compiler") {
  using K = Kind<std::int8_t, std::int8_t, double_rounding>;
  using Input = Extents<1, 3, 3, 10>;
  using Filter = Extents<6, 1, 1, 10>;
  using Output = Extents<1, 3, 3, 6>;
  test::Random random(34);
  test::RandomConvolution<K> c({Input{}.size(), Filter{}.size(), Output{}.size(), 6, 10}, random);
  CHECK(c.differing<Kernels>(Input{}, Filter{}, Output{}) == "");
}

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
TEST_CASE("16-bit activations on AVX-512 VNNI: words while no sum leaves 32 bits") {
  using Words = Convolution<std::int16_t, std::int8_t, Nhwc, Ohwi, Nhwc>;
  constexpr index_t depth = 65;
  const std::vector<std::int8_t> filter(depth, -128);
  const std::vector<std::int16_t> input(depth, -32768);
  constexpr std::int64_t products = std::int64_t{depth} * 128 * 32768;
  const Multiplier small{1 << 30, -17};
  struct {
    std::int64_t bias;
    Multiplier multiplier;
    std::int32_t zero_point;
    bool words;
  } const cases[] = {{0x7fffffff - products, small, 0, true},
                     {0x7fffffff - products + 1, small, 0, false},
                     {products - 0x7fffffff, small, 0, true},
                     {products - 0x80000000, small, 0, false},
                     {0, {1 << 30, -18}, 0, false},
                     {0, {1 << 30, -1}, 0, true},
                     {0, {1 << 30, 0}, 0, false},
                     {0, small, 1, false},
                     {std::int64_t{1} << 40, small, 0, false}};
  for (const auto& c : cases) {
    CAPTURE(c.bias);
    CAPTURE(c.multiplier.shift);
    std::int16_t expected = 0;
    std::int16_t actual = 1;
    const ConvolutionQuantization q{c.zero_point, 0, {&c.multiplier, 0, -32768, 32767}};
    const auto tensors = [&](std::int16_t* output) {
      return Words{{input.data(), {1, 1, 1, depth}},
                   {filter.data(), {1, 1, 1, depth}},
                   &c.bias,
                   {output, {1, 1, 1, 1}}};
    };
    using Kernel = select::native::pointwise;
    std::vector<std::byte> packed(Kernel::packed_bytes(tensors(&actual)));
    std::vector<std::byte> scratch(Kernel::scratch_bytes(tensors(&actual)));
    Kernel::pack<double_rounding>(tensors(&actual), q, packed.data());
    CHECK(pointwise::Avx512VnniWords::has_words(packed.data()) == c.words);
    Kernel::run<double_rounding>(tensors(&actual), q, {packed.data(), scratch.data()});
    pointwise::Reference::run<double_rounding>(tensors(&expected), q);
    CHECK(actual == expected);
  }
}
#endif

#if defined(__AVX2__) && defined(__FMA__) && !defined(__FAST_MATH__)
TEST_CASE("AVX2: single precision wherever it is exact, integers elsewhere") {
  constexpr index_t depth = 300;
  const std::vector<std::int8_t> filter(depth, -128);
  const std::vector<std::int8_t> input(depth, 127);
  const Multiplier usual{3 << 29, -7};
  struct {
    std::int32_t bias;
    Multiplier multiplier;
    bool floats;
  } const cases[] = {{0, usual, true},
                     {1'000'000, usual, true},
                     {0, {3 << 29, 1}, false},    // more than one
                     {0, {3 << 29, -16}, false},  // little, and outputs from -57 to 55
                     {0, {3 << 29, -22}, true},   // -1 to 1
                     {0, {3 << 29, -28}, true},   // one
                     {70'000, {3 << 29, -30}, true},
                     {0x7fffffff, usual, false},  // the sum may leave 32 bits
                     {-0x7fffffff, usual, false}};
  for (const auto& c : cases) {
    CAPTURE(c.bias);
    CAPTURE(c.multiplier.shift);
    std::int8_t expected = 0;
    std::int8_t actual = 1;
    const ConvolutionQuantization q{-3, 0, {&c.multiplier, 4, -128, 127}};
    const auto tensors = [&](std::int8_t* output) {
      return Convolution<std::int8_t, std::int8_t, Nhwc, Ohwi, Nhwc>{{input.data(), {1, 1, 1, depth}},
                                                                     {filter.data(), {1, 1, 1, depth}},
                                                                     &c.bias,
                                                                     {output, {1, 1, 1, 1}}};
    };
    using Kernel = pointwise::PackedPairs<pointwise::Packed, isa::Lanes8>;
    std::vector<std::byte> packed(Kernel::packed_bytes(tensors(&actual)));
    std::vector<std::byte> scratch(Kernel::scratch_bytes(tensors(&actual)));
    Kernel::pack<double_rounding>(tensors(&actual), q, packed.data());
    const std::byte* const head = packed.data() + pointwise::aligned_offset(packed.data());
    CHECK(pointwise::PairHead::load(head).is_float == c.floats);
    Kernel::run<double_rounding>(tensors(&actual), q, {packed.data(), scratch.data()});
    pointwise::Reference::run<double_rounding>(tensors(&expected), q);
    CHECK(actual == expected);
  }
}
#endif
