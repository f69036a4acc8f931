// SPDX-License-Identifier: Apache-2.0
/// @file kernels/inverted_residual.cpp
/// The fused inverted residual equals its operators' references run one by one, on whole tensors.
#include <doctest/doctest.h>

#include <kinglet/kernels/inverted_residual/fused.hpp>

#include "support/guarded.hpp"

using namespace kinglet;

namespace {

struct Shape {
  index_t batch;
  index_t height;
  index_t width;
  index_t channels;
  index_t inner;
  index_t outputs;
  index_t filter;
  index_t stride;
  bool expands;
  bool adds;
};

/// One convolution's weights and quantization.
template <class T, class W>
struct Layer {
  Ohwi shape;
  test::Guarded<W> filter;
  std::vector<accumulator_t<T>> bias;
  std::vector<Multiplier> multipliers;
  ConvolutionQuantization q{};

  Layer(const Ohwi& extents, index_t channels, test::Random& random)
      : shape(extents),
        filter(extents.size()),
        bias(static_cast<std::size_t>(channels)),
        multipliers(static_cast<std::size_t>(channels)) {
    std::generate(filter.begin(), filter.end(), [&] { return random.element<W>(); });
    for (auto& b : bias) {
      b = random.in<accumulator_t<T>>(-9000, 9000);
    }
    for (Multiplier& m : multipliers) {
      m = {random.in<std::int32_t>(1 << 30, INT32_MAX), random.in(-10, -6)};
    }
    q.input_zero_point = sizeof(T) == 2 ? 0 : random.element<T>();
    q.filter_zero_point = std::same_as<W, std::uint8_t> ? random.element<W>() : 0;
    q.output = {multipliers.data(), sizeof(T) == 2 ? 0 : random.element<T>(), std::numeric_limits<T>::min(),
                std::numeric_limits<T>::max()};
    if (random.one_in(2)) {
      q.output.min = q.output.zero_point;
    }
  }
  [[nodiscard]] typename inverted_residual::Block<T, W>::Layer given() const {
    return {{filter.data(), shape}, bias.data()};
  }
};

template <class T, class W>
struct Case {
  Shape s;
  Window window{};
  Nhwc in;
  Nhwc inner;
  Nhwc filtered;
  Nhwc out;
  Layer<T, W> expand;
  Layer<T, W> depthwise;
  Layer<T, W> project;
  inverted_residual::BlockQuantization q{};

  static WindowExtent rows(const Shape& s) {
    return window_extent(Padding::same, s.height, s.filter, s.stride, 1);
  }
  static WindowExtent columns(const Shape& s) {
    return window_extent(Padding::same, s.width, s.filter, s.stride, 1);
  }

  Case(const Shape& shape, test::Random& random)
      : s(shape),
        window{s.stride, s.stride, 1, 1, rows(s).pad_before, columns(s).pad_before},
        in{s.batch, s.height, s.width, s.channels},
        inner{s.batch, s.height, s.width, s.inner},
        filtered{s.batch, rows(s).output, columns(s).output, s.inner},
        out{s.batch, rows(s).output, columns(s).output, s.outputs},
        expand(Ohwi{s.inner, 1, 1, s.channels}, s.inner, random),
        depthwise(Ohwi{1, s.filter, s.filter, s.inner}, s.inner, random),
        project(Ohwi{s.outputs, 1, 1, s.inner}, s.outputs, random) {
    depthwise.q.input_zero_point = expand.q.output.zero_point;
    project.q.input_zero_point = depthwise.q.output.zero_point;
    q.expand = expand.q;
    q.depthwise = depthwise.q;
    q.project = project.q;
    if (s.adds) {
      q.add = add::make_add_quantization<T>(
          {0.5F, expand.q.input_zero_point}, {0.4F, project.q.output.zero_point},
          {0.7F, sizeof(T) == 2 ? 0 : random.element<T>()}, Activation::none);
    }
  }

  [[nodiscard]] inverted_residual::Block<T, W> block(const T* from, T* to) const {
    inverted_residual::Block<T, W> b{{from, in}, {}, depthwise.given(), project.given(), {to, out}};
    if (s.expands) {
      b.expand = expand.given();
    }
    return b;
  }

  template <Profile P>
  std::vector<T> by_references(const std::vector<T>& input) const {
    std::vector<T> expanded(inner.size());
    std::vector<T> middle(filtered.size());
    std::vector<T> projected(out.size());
    std::vector<T> output(out.size());
    if (s.expands) {
      pointwise::Reference::run<typename P::conv2d>(
          Convolution<T, W, Nhwc, Ohwi, Nhwc>{
              {input.data(), in}, expand.given().filter, expand.given().bias, {expanded.data(), inner}},
          q.expand);
    }
    depthwise::Reference::run<typename P::depthwise>(
        window,
        Convolution<T, W, Nhwc, Ohwi, Nhwc>{{s.expands ? expanded.data() : input.data(), inner},
                                            depthwise.given().filter,
                                            depthwise.given().bias,
                                            {middle.data(), filtered}},
        q.depthwise);
    pointwise::Reference::run<typename P::conv2d>(
        Convolution<T, W, Nhwc, Ohwi, Nhwc>{
            {middle.data(), filtered}, project.given().filter, project.given().bias, {projected.data(), out}},
        q.project);
    if (!s.adds) {
      return projected;
    }
    add::Reference::run<typename P::elementwise>(
        add::Addition<T, Nhwc, Nhwc, Nhwc>{{input.data(), in}, {projected.data(), out}, {output.data(), out}},
        *q.add);
    return output;
  }

  /// In exactly as much memory as it asks for.
  template <Profile P, class Kernels>
  std::vector<T> by_fused(const std::vector<T>& input) const {
    using Fused = inverted_residual::Fused<Kernels>;
    test::Guarded<T> from(input.size());
    std::ranges::copy(input, from.begin());
    test::Guarded<T> to(out.size());
    const auto b = block(from.data(), to.data());
    test::Guarded<std::byte> packed(align_up(Fused::packed_bytes(window, b)));
    test::Guarded<std::byte> scratch(align_up(Fused::scratch_bytes(window, b, s.adds)));
    Fused::template pack<P>(window, b, q, packed.data());
    Fused::template run<P>(window, b, q, {packed.data(), scratch.data()});
    return {to.begin(), to.end()};
  }
};

template <class T, class W, class P>
void check(std::uint64_t seed, int count) {
  test::Random random(seed);
  for (int i = 0; i < count; ++i) {
    Shape s{.batch = random.one_in(5) ? 2 : 1,
            .height = random.in(1, 14),
            .width = random.in(1, 14),
            .channels = random.in(1, 40),
            .inner = random.in(1, 90),
            .outputs = random.in(1, 40),
            .filter = random.one_in(3) ? 5 : 3,
            .stride = random.in(1, 2),
            .expands = !random.one_in(4),
            .adds = random.one_in(2)};
    s.inner = s.expands ? s.inner : s.channels;
    if (s.adds) {
      s.stride = 1;
      s.outputs = s.channels;
    }
    INFO("case ", i, ": ", s.height, " x ", s.width, " x ", s.channels, " -> ", s.inner, " -> ", s.outputs,
         ", filter ", s.filter, ", stride ", s.stride, s.expands ? ", expands" : "", s.adds ? ", adds" : "");
    const Case<T, W> c(s, random);
    std::vector<T> input(c.in.size());
    std::ranges::generate(input, [&] { return random.element<T>(); });
    const auto expected = c.template by_references<P>(input);
    REQUIRE(c.template by_fused<P, select::native>(input) == expected);
    REQUIRE(c.template by_fused<P, select::in_place>(input) == expected);
  }
}

}  // namespace

TEST_CASE("fused: equal to the operators one by one") {
  check<std::int8_t, std::int8_t, profile::tflm>(1, 60);
  check<std::uint8_t, std::uint8_t, profile::tflite>(2, 40);
  check<std::int16_t, std::int8_t, profile::tflm>(3, 30);
}

TEST_CASE("fused: the expanded tensor is as many rows as the filter is tall") {
  test::Random random(4);
  const Case<std::int8_t, std::int8_t> c({1, 56, 56, 24, 144, 24, 3, 1, true, true}, random);
  const auto block = c.block(nullptr, nullptr);
  constexpr std::size_t rows = 3 * 56 * 144 + 56 * 144 + 56 * 24;  // expanded, filtered, projected
  // Kernels run one after another on rows, so that the one that wants most scratch decides.
  using C = Convolution<std::int8_t, std::int8_t, Nhwc, Ohwi, Nhwc>;
  const C expand{
      {nullptr, Nhwc{1, 1, 56, 24}}, c.expand.given().filter, nullptr, {nullptr, Nhwc{1, 1, 56, 144}}};
  const C filter{
      {nullptr, Nhwc{1, 3, 56, 144}}, c.depthwise.given().filter, nullptr, {nullptr, Nhwc{1, 1, 56, 144}}};
  const C project{
      {nullptr, Nhwc{1, 1, 56, 144}}, c.project.given().filter, nullptr, {nullptr, Nhwc{1, 1, 56, 24}}};
  using Kernels = select::native;
  const std::size_t scratch = std::max({Kernels::pointwise::scratch_bytes(expand),
                                        Kernels::depthwise::scratch_bytes(c.window, filter),
                                        Kernels::pointwise::scratch_bytes(project)});
  CHECK(inverted_residual::Fused<>::scratch_bytes(c.window, block, true) == rows + scratch);
}
