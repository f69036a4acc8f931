// SPDX-License-Identifier: Apache-2.0
// Pools, MEAN and PAD from a file: the references' outputs, in every profile.
#include <kinglet/kernels/mean/reference.hpp>
#include <kinglet/kernels/pad/reference.hpp>
#include <kinglet/kernels/pool/reference.hpp>

#include "one_operator.hpp"

using namespace kinglet;
using test::Bytes;
using test::Prescribed;
using test::Random;

namespace {

/// Four extents, ones in front.
Nhwc extents_of(const test::Shape& shape) {
  test::Shape four(4 - shape.size(), 1);
  four.insert(four.end(), shape.begin(), shape.end());
  return Nhwc{four[0], four[1], four[2], four[3]};
}

template <class T>
PerTensor random_quantization(Random& random) {
  return {test::random_real(random, 0.005F, 0.1F), test::random_zero_point<T>(random)};
}

template <class T, class Reference>
void check_pool(BuiltinOperator code, std::uint64_t seed) {
  Random random(seed);
  for (int i = 0; i < 40; ++i) {
    const test::Shape in = {random.in(1, 2), random.in(1, 9), random.in(1, 9), random.in(1, 70)};
    const Padding padding = random.one_in(2) ? Padding::same : Padding::valid;
    pool::Pooling pooling{{random.in(1, 3), random.in(1, 3)}, random.in(1, in[1]), random.in(1, in[2])};
    if (random.one_in(4)) {
      pooling.filter_h = in[1];
      pooling.filter_w = in[2];
    }
    const auto y = test::reach(padding, in[1], pooling.filter_h, {pooling.window.stride_h, 1});
    const auto x = test::reach(padding, in[2], pooling.filter_w, {pooling.window.stride_w, 1});
    pooling.window.pad_top = y.pad;
    pooling.window.pad_left = x.pad;
    const test::Shape out = {in[0], y.output, x.output, in[3]};
    const PerTensor q = random_quantization<T>(random);
    const Activation activation = test::random_activation(random);
    const auto input = test::random_elements<T>(random, test::size_of(in));
    const Bytes file = test::OneOperator()
                           .input(test::tensor<T>("image", in, q))
                           .finish(code, test::tensor<T>("pooled", out, q),
                                   Pool2DOptions{.padding = padding,
                                                 .stride_h = pooling.window.stride_h,
                                                 .stride_w = pooling.window.stride_w,
                                                 .filter_h = pooling.filter_h,
                                                 .filter_w = pooling.filter_w,
                                                 .activation = activation});
    std::vector<T> expected(test::size_of(out));
    Reference::run(
        pooling,
        pool::PoolTensors<T, Nhwc, Nhwc>{{input.data(), extents_of(in)}, {expected.data(), extents_of(out)}},
        activation_range<T>(activation, q));
    test::for_profiles([&]<class P>() {
      INFO("case ", i);
      CHECK(test::run<P, T>(file, {test::bytes_of(input)}) == expected);
    });
  }
}

/// Which dimensions are averaged, as a file may say it.
struct Axes {
  std::vector<std::int32_t> list;
  unsigned mask = 0;

  Axes(Random& random, int rank) {
    if (rank == 4 && random.one_in(2)) {  // an image's, as files have them
      list = random.one_in(2) ? test::Shape{1, 2} : test::Shape{2, 1};
      mask = 6;
      return;
    }
    const int count = random.in(1, rank);
    for (int k = 0; k < count + random.in(0, 1); ++k) {  // one may be named twice
      const int axis = random.in(0, rank - 1);
      mask |= 1U << axis;
      list.push_back(random.one_in(2) ? axis : axis - rank);
    }
  }
  [[nodiscard]] bool averages(std::size_t d) const { return ((mask >> d) & 1U) != 0; }
};

template <class T>
void check_mean(std::uint64_t seed) {
  Random random(seed);
  for (int i = 0; i < 60; ++i) {
    const int rank = random.in(1, 4);
    test::Shape in(static_cast<std::size_t>(rank));
    std::generate(in.begin(), in.end(), [&] { return random.in(1, 9); });
    const Axes axes(random, rank);
    const bool keep_dims = random.one_in(2);
    test::Shape kept;  // the output's shape in the file
    test::Shape ones;  // the same with averaged dimensions as 1
    index_t count = 1;
    for (std::size_t d = 0; d < in.size(); ++d) {
      ones.push_back(axes.averages(d) ? 1 : in[d]);
      count *= axes.averages(d) ? in[d] : 1;
      if (keep_dims || !axes.averages(d)) {
        kept.push_back(ones.back());
      }
    }
    const PerTensor from = random_quantization<T>(random);
    PerTensor to = random_quantization<T>(random);
    to.scale = from.scale * test::random_real(random, 0.3F, 1.5F);
    if (random.one_in(3)) {
      to = from;
    }
    const auto input = test::random_elements<T>(random, test::size_of(in));
    test::OneOperator model;
    model.input(test::tensor<T>("image", in, from));
    const auto size = static_cast<std::int32_t>(axes.list.size());
    if (random.one_in(2)) {
      model.constant(test::plain("axes", ElementType::int32, {size}), axes.list);
    } else {
      model.constant(test::plain("axes", ElementType::int64, {size}),
                     std::vector<std::int64_t>(axes.list.begin(), axes.list.end()));
    }
    const Bytes file =
        model.finish(BuiltinOperator::mean, test::tensor<T>("mean", kept, to), ReducerOptions{keep_dims});
    const bool image = rank == 4 && (axes.list == test::Shape{1, 2} || axes.list == test::Shape{2, 1});
    const auto form = image && keep_dims ? mean::MeanForm::image_kept : mean::MeanForm::other;
    test::for_profiles([&]<class P>() {
      constexpr MeanArithmetic arithmetic = Prescribed<P>::mean;
      std::vector<T> expected(test::size_of(ones));
      mean::Reference::run<typename Prescribed<P>::others, arithmetic>(
          mean::Reduction<T, Nhwc, Nhwc>{{input.data(), extents_of(in)}, {expected.data(), extents_of(ones)}},
          mean::make_mean_quantization<arithmetic, T>(from, to, count, form));
      INFO("case ", i);
      CHECK(test::run<P, T>(file, {test::bytes_of(input)}) == expected);
    });
  }
}

template <class T>
void check_pad(std::uint64_t seed) {
  Random random(seed);
  for (int i = 0; i < 20; ++i) {
    test::Shape in(static_cast<std::size_t>(random.in(1, 4)));
    std::generate(in.begin(), in.end(), [&] { return random.in(1, 6); });
    test::Shape out;
    std::vector<std::int32_t> paddings;
    pad::PadAmounts amounts;
    for (std::size_t d = 0; d < in.size(); ++d) {
      paddings.push_back(random.in(0, 3));
      paddings.push_back(random.in(0, 3));
      amounts.before[4 - in.size() + d] = paddings[2 * d];
      out.push_back(paddings[2 * d] + in[d] + paddings[2 * d + 1]);
    }
    constexpr bool quantized = QuantizedElement<T>;
    PerTensor q{0.5F, 0};
    if constexpr (quantized) {
      q.zero_point = test::random_zero_point<T>(random);
    }
    const auto spec = [&](const std::string& name, const test::Shape& shape) {
      return quantized ? test::tensor<T>(name, shape, q) : test::plain(name, element_type_of<T>, shape);
    };
    std::vector<T> input(test::size_of(in));
    std::generate(input.begin(), input.end(), [&] { return static_cast<T>(random.in(-99, 99)); });
    test::OneOperator model;
    model.input(spec("image", in));
    const auto rank = static_cast<std::int32_t>(in.size());
    if (random.one_in(2)) {
      model.constant(test::plain("paddings", ElementType::int32, {rank, 2}), paddings);
    } else {
      model.constant(test::plain("paddings", ElementType::int64, {rank, 2}),
                     std::vector<std::int64_t>(paddings.begin(), paddings.end()));
    }
    const Bytes file = model.finish(BuiltinOperator::pad, spec("padded", out));
    std::vector<T> expected(test::size_of(out));
    pad::Reference::run(
        amounts,
        pad::PadTensors<T, Nhwc, Nhwc>{{input.data(), extents_of(in)}, {expected.data(), extents_of(out)}},
        static_cast<T>(quantized ? q.zero_point : 0));
    test::for_profiles([&]<class P>() {
      INFO("case ", i);
      CHECK(test::run<P, T>(file, {test::bytes_of(input)}) == expected);
    });
  }
}

}  // namespace

TEST_CASE("AVERAGE_POOL_2D from a file") {
  check_pool<std::int8_t, pool::ReferenceAverage>(BuiltinOperator::average_pool_2d, 1);
  check_pool<std::uint8_t, pool::ReferenceAverage>(BuiltinOperator::average_pool_2d, 2);
  check_pool<std::int16_t, pool::ReferenceAverage>(BuiltinOperator::average_pool_2d, 3);
}
TEST_CASE("MAX_POOL_2D from a file") {
  check_pool<std::int8_t, pool::ReferenceMax>(BuiltinOperator::max_pool_2d, 4);
  check_pool<std::uint8_t, pool::ReferenceMax>(BuiltinOperator::max_pool_2d, 5);
  check_pool<std::int16_t, pool::ReferenceMax>(BuiltinOperator::max_pool_2d, 6);
}
TEST_CASE("MEAN from a file, over any dimensions") {
  check_mean<std::int8_t>(7);
  check_mean<std::uint8_t>(8);
  check_mean<std::int16_t>(9);
}
TEST_CASE("PAD from a file") {
  check_pad<std::int8_t>(10);
  check_pad<std::uint8_t>(11);
  check_pad<std::int16_t>(12);
  check_pad<std::int32_t>(13);
  check_pad<float>(14);
}
