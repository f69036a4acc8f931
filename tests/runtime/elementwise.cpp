// SPDX-License-Identifier: Apache-2.0
// ADD, QUANTIZE, DEQUANTIZE, SOFTMAX, RESHAPE and SQUEEZE from a file: the references' outputs, in every profile.
#include <cmath>
#include <kinglet/kernels/add/reference.hpp>
#include <kinglet/kernels/quantize/reference.hpp>
#include <kinglet/kernels/softmax/reference.hpp>

#include "one_operator.hpp"

using namespace kinglet;
using test::Bytes;
using test::Prescribed;
using test::Random;

namespace {

template <class T>
PerTensor random_quantization(Random& random) {
  return {test::random_real(random, 0.005F, 0.1F), test::random_zero_point<T>(random)};
}

/// Shapes of two summands and their sum.
struct AddShapes {
  test::Shape lhs, rhs, output;

  explicit AddShapes(Random& random) {
    const bool broadcasts = random.one_in(2);
    const int rank = random.in(1, broadcasts ? 4 : 6);
    for (int d = 0; d < rank; ++d) {
      const std::int32_t extent = random.in(1, rank > 4 ? 3 : 9);
      const int repeated = broadcasts ? random.in(0, 3) : 3;
      lhs.push_back(repeated == 0 ? 1 : extent);
      rhs.push_back(repeated == 1 ? 1 : extent);
      output.push_back(extent);
    }
    if (broadcasts && rank > 1 && random.one_in(3)) {  // fewer dimensions than the sum
      output[0] = rhs[0];
      lhs.erase(lhs.begin());
    }
  }
  /// Four extents, ones in front; of more than four, one.
  static Nhwc extents(const test::Shape& shape) {
    if (shape.size() > 4) {
      return Nhwc{1, 1, 1, static_cast<index_t>(test::size_of(shape))};
    }
    test::Shape four(4 - shape.size(), 1);
    four.insert(four.end(), shape.begin(), shape.end());
    return Nhwc{four[0], four[1], four[2], four[3]};
  }
};

template <class T>
void check_add(std::uint64_t seed) {
  Random random(seed);
  for (int i = 0; i < 60; ++i) {
    const AddShapes shapes(random);
    const PerTensor a = random_quantization<T>(random);
    const PerTensor b = random_quantization<T>(random);
    const PerTensor sum = random_quantization<T>(random);
    const AddOptions options{.activation = test::random_activation(random),
                             .pot_scale_int16 = random.one_in(2)};
    const auto lhs = test::random_elements<T>(random, test::size_of(shapes.lhs));
    const auto rhs = test::random_elements<T>(random, test::size_of(shapes.rhs));
    const Bytes file = test::OneOperator()
                           .input(test::tensor<T>("lhs", shapes.lhs, a))
                           .input(test::tensor<T>("rhs", shapes.rhs, b))
                           .finish(BuiltinOperator::add, test::tensor<T>("sum", shapes.output, sum), options);
    const auto q = add::make_add_quantization<T>(a, b, sum, options.activation);
    test::for_profiles([&]<class P>() {
      std::vector<T> expected(test::size_of(shapes.output));
      add::Reference::run<typename Prescribed<P>::others>(
          add::Addition<T, Nhwc, Nhwc, Nhwc>{{lhs.data(), AddShapes::extents(shapes.lhs)},
                                             {rhs.data(), AddShapes::extents(shapes.rhs)},
                                             {expected.data(), AddShapes::extents(shapes.output)}},
          q);
      INFO("case ", i);
      CHECK(test::run<P, T>(file, {test::bytes_of(lhs), test::bytes_of(rhs)}) == expected);
    });
  }
}

template <class From, class To>
void check_requantize() {
  Random random(100 + sizeof(From) * 10 + sizeof(To) + (std::is_signed_v<From> ? 5 : 0) +
                (std::is_signed_v<To> ? 500 : 0));
  for (int i = 0; i < 6; ++i) {
    // Ratios around 1 for equal widths, around the widths' ratio otherwise.
    const float ratio = static_cast<float>(std::int64_t{1} << (8 * sizeof(From))) /
                        static_cast<float>(std::int64_t{1} << (8 * sizeof(To)));
    const float scale = i == 0 ? 0.0625F : test::random_real(random, 0.01F, 0.1F);
    PerTensor from{scale, test::random_zero_point<From>(random)};
    PerTensor to{i == 0 ? scale * ratio : scale * ratio * test::random_real(random, 0.4F, 2.2F),
                 test::random_zero_point<To>(random)};
    if (sizeof(From) == 4) {
      from.zero_point = 0;
    }
    if (sizeof(To) == 4) {
      to.zero_point = 0;
    }
    const test::Shape shape = {1, random.in(1, 9), random.in(1, 99)};
    const auto input = test::random_elements<From>(random, test::size_of(shape));
    const Bytes file = test::OneOperator()
                           .input(test::tensor<From>("from", shape, from))
                           .finish(BuiltinOperator::quantize, test::tensor<To>("to", shape, to));
    const auto q = quantize::make_requantize_quantization<To>(from, to);
    test::for_profiles([&]<class P>() {
      std::vector<To> expected(input.size());
      quantize::Reference::run<typename Prescribed<P>::others, From, To>(input, expected.data(), q);
      INFO(sizeof(From), " to ", sizeof(To), " bytes, case ", i);
      CHECK(test::run<P, To>(file, {test::bytes_of(input)}) == expected);
    });
  }
}

template <class From>
void check_requantize_from() {
  check_requantize<From, std::int8_t>();
  check_requantize<From, std::uint8_t>();
  check_requantize<From, std::int16_t>();
  check_requantize<From, std::int32_t>();
}

/// To real numbers and back.
template <class T>
void check_real() {
  Random random(200 + sizeof(T));
  for (int i = 0; i < 6; ++i) {
    const PerTensor q = random_quantization<T>(random);
    const test::Shape shape = {random.in(1, 300)};
    const auto elements = test::random_elements<T>(random, test::size_of(shape));
    const Bytes to_real =
        test::OneOperator()
            .input(test::tensor<T>("elements", shape, q))
            .finish(BuiltinOperator::dequantize, test::plain("real", ElementType::float32, shape));
    const Bytes from_real = test::OneOperator()
                                .input(test::plain("real", ElementType::float32, shape))
                                .finish(BuiltinOperator::quantize, test::tensor<T>("elements", shape, q));
    std::vector<float> real(elements.size());
    quantize::ReferenceDequantize::run<T>(elements, real.data(), q);
    std::vector<float> between = real;  // the middle of two elements, and beyond the last
    for (float& x : between) {
      x += q.scale / 2 * static_cast<float>(random.in(-3, 3));
    }
    between[0] = -1e30F;
    test::for_profiles([&]<class P>() {
      std::vector<T> expected(elements.size());
      quantize::Reference::run<typename Prescribed<P>::quotient>(std::span<const float>(between),
                                                                 expected.data(), q);
      INFO("case ", i);
      CHECK(test::run<P, float>(to_real, {test::bytes_of(elements)}) == real);
      CHECK(test::run<P, T>(from_real, {test::bytes_of(real)}) == elements);
      CHECK(test::run<P, T>(from_real, {test::bytes_of(between)}) == expected);
    });
  }
}

template <class T>
void check_softmax(std::uint64_t seed) {
  Random random(seed);
  for (int i = 0; i < 20; ++i) {
    test::Shape shape(static_cast<std::size_t>(random.in(0, 3)));
    std::generate(shape.begin(), shape.end(), [&] { return random.in(1, 4); });
    shape.push_back(random.in(1, 120));
    const PerTensor from = random_quantization<T>(random);
    const PerTensor to{1.0F / 256, std::numeric_limits<T>::min()};
    const float beta = random.one_in(2) ? 1.0F : test::random_real(random, 0.1F, 2.0F);
    const auto input = test::random_elements<T>(random, test::size_of(shape));
    const Bytes file =
        test::OneOperator()
            .input(test::tensor<T>("logits", shape, from))
            .finish(BuiltinOperator::softmax, test::tensor<T>("p", shape, to), SoftmaxOptions{beta});
    std::vector<float> table(256);
    softmax::make_softmax_table(from.scale, beta, std::span<float, 256>(table));
    using Matrix = Extents<dynamic_extent, dynamic_extent>;
    const Matrix rows{static_cast<index_t>(input.size()) / shape.back(), shape.back()};
    std::vector<T> expected(input.size());
    softmax::Reference::run(
        softmax::SoftmaxTensors<T, T, Matrix, Matrix>{{input.data(), rows}, {expected.data(), rows}},
        {table.data(), to.scale, to.zero_point});
    test::for_profiles([&]<class P>() {
      INFO("case ", i);
      CHECK(test::run<P, T>(file, {test::bytes_of(input)}) == expected);
    });
  }
}

}  // namespace

TEST_CASE("ADD from a file, with broadcasting") {
  check_add<std::int8_t>(1);
  check_add<std::uint8_t>(2);
  check_add<std::int16_t>(3);
}

TEST_CASE("16-bit ADD of power-of-two scales: profile tflite shifts, unless the option forbids it") {
  // TFLite: clamp(a + b / 2^d), the quotient rounded by itself, ties away from zero. With multipliers the sum is
  // rounded as a whole: 1 + (-1 / 2) is 1 + (-1) = 0 by shifts, round(0.5) = 1 by multipliers.
  const std::vector<std::int16_t> a = {1, 1, -1, 32767, -32768, 5, -5, 100};
  const std::vector<std::int16_t> b = {-1, 1, 1, 32767, -32768, -3, 3, -7};
  const std::vector<std::int16_t> shifted = {0, 2, 0, 32767, -32768, 3, -3, 96};
  const std::vector<std::int16_t> multiplied = {1, 2, -1, 32767, -32768, 4, -4, 97};
  const auto file_with = [&](float rhs_scale, bool option) {
    return test::OneOperator()
        .input(test::tensor<std::int16_t>("a", {8}, {0.25F, 0}))
        .input(test::tensor<std::int16_t>("b", {8}, {rhs_scale, 0}))
        .finish(BuiltinOperator::add, test::tensor<std::int16_t>("sum", {8}, {0.25F, 0}),
                AddOptions{.pot_scale_int16 = option});
  };
  const std::vector<Bytes> inputs = {test::bytes_of(a), test::bytes_of(b)};
  CHECK(test::run<profile::tflite, std::int16_t>(file_with(0.125F, true), inputs) == shifted);
  CHECK(test::run<profile::tflite, std::int16_t>(file_with(0.125F, false), inputs) == multiplied);
  CHECK(test::run<profile::tflm, std::int16_t>(file_with(0.125F, true), inputs) == multiplied);

  // Any shift, against the definition; the first operand may be the one that is divided.
  Random random(4);
  for (int d = 0; d <= 20; ++d) {
    const auto large = test::random_elements<std::int16_t>(random, 200);
    const auto small = test::random_elements<std::int16_t>(random, 200);
    std::vector<std::int16_t> expected(large.size());
    for (std::size_t i = 0; i < large.size(); ++i) {
      const std::int32_t sum = large[i] + rounding_divide_by_pot(small[i], d);
      expected[i] = static_cast<std::int16_t>(std::clamp(sum, 0, 32767));  // RELU
    }
    const float scale = 0x1p-3F;
    const float smaller = std::ldexp(scale, -d);
    const Bytes file = test::OneOperator()
                           .input(test::tensor<std::int16_t>("small", {200}, {smaller, 0}))
                           .input(test::tensor<std::int16_t>("large", {200}, {scale, 0}))
                           .finish(BuiltinOperator::add, test::tensor<std::int16_t>("sum", {200}, {scale, 0}),
                                   AddOptions{.activation = Activation::relu});
    INFO("shift ", d);
    CHECK(test::run<profile::tflite, std::int16_t>(file, {test::bytes_of(small), test::bytes_of(large)}) ==
          expected);
  }
}

TEST_CASE("QUANTIZE from a file: every pair of integer types") {
  check_requantize_from<std::int8_t>();
  check_requantize_from<std::uint8_t>();
  check_requantize_from<std::int16_t>();
  check_requantize_from<std::int32_t>();
}
TEST_CASE("QUANTIZE and DEQUANTIZE of real numbers from a file") {
  check_real<std::int8_t>();
  check_real<std::uint8_t>();
  check_real<std::int16_t>();
}
TEST_CASE("SOFTMAX from a file") {
  check_softmax<std::int8_t>(5);
  check_softmax<std::uint8_t>(6);
}
TEST_CASE("RESHAPE and SQUEEZE from a file: the same bytes, of any type") {
  Random random(7);
  const std::vector<std::int32_t> says = {7, 7};  // not looked at: the output has a shape of its own
  for (const ElementType type :
       {ElementType::int8, ElementType::uint8, ElementType::int16, ElementType::int32, ElementType::int64,
        ElementType::float32, ElementType::boolean}) {
    const auto bytes = test::random_elements<std::uint8_t>(random, 12 * element_bytes(type));
    const std::vector<Bytes> inputs = {test::bytes_of(bytes)};
    const Bytes reshape = test::OneOperator()
                              .input(test::plain("x", type, {3, 4}))
                              .constant(test::plain("shape", ElementType::int32, {2}), says)
                              .finish(BuiltinOperator::reshape, test::plain("y", type, {2, 3, 1, 1, 2}));
    const std::vector<std::int32_t> axes = {0, 2};
    const Bytes squeeze =
        test::OneOperator()
            .input(test::plain("x", type, {1, 3, 1, 4}))
            .finish(BuiltinOperator::squeeze, test::plain("y", type, {3, 4}), SqueezeOptions{axes});
    const Bytes scalar = test::OneOperator()
                             .input(test::plain("x", type, {1, 1}))
                             .finish(BuiltinOperator::reshape, test::plain("y", type, {}), ReshapeOptions{});
    test::for_profiles([&]<class P>() {
      CHECK(test::run<P, std::uint8_t>(reshape, inputs) == bytes);
      CHECK(test::run<P, std::uint8_t>(squeeze, inputs) == bytes);
      CHECK(test::run<P, std::uint8_t>(scalar, {Bytes(element_bytes(type), std::byte{9})}) ==
            std::vector<std::uint8_t>(element_bytes(type), 9));
    });
  }
}
