// SPDX-License-Identifier: Apache-2.0
/// @file nn/parameters.hpp
/// Weights and quantization of a typed network, and what is computed from them before it runs.
#pragma once

#include <kinglet/kernels/add/linear.hpp>
#include <kinglet/nn/requirements.hpp>
#include <kinglet/quant/profile.hpp>

namespace kinglet::inline KINGLET_TARGET::nn {

namespace detail {

/// A static shape as rows of all the rest, for FULLY_CONNECTED; static where the shape is.
template <index_t N, index_t H, index_t W, index_t C>
constexpr auto rows_of(const Extents<N, H, W, C>& e) noexcept {
  if constexpr (Extents<N, H, W, C>::is_static()) {
    return Extents<N, H * W * C>{};
  } else {
    return Extents<dynamic_extent, dynamic_extent>{e.extent(0), e.extent(1) * e.extent(2) * e.extent(3)};
  }
}

/// The rounding of an operator with weights in profile P.
template <Profile P, Operator Op>
using rounding_for_t = std::conditional_t<
    Op == Operator::depthwise_conv2d, typename P::depthwise,
    std::conditional_t<Op == Operator::fully_connected, typename P::fully_connected, typename P::conv2d>>;

/// Pixels of channels, for SOFTMAX.
template <class E>
constexpr auto pixels_of(const E& e) noexcept {
  return Extents<dynamic_extent, dynamic_extent>{e.extent(0) * e.extent(1) * e.extent(2), e.extent(3)};
}

}  // namespace detail

/// @tparam A a Sequential.
template <class A>
struct Parameters {
  using T = typename A::element_type;
  using W = typename A::weight_type;

  // Given.
  std::array<PerTensor, A::tensor_count> quantization{};
  std::array<Weights<W, accumulator_t<T>>, A::step_count> weights{};
  /// Of MEAN steps: the layer keeps its dimensions of extent 1, but a file may not.
  std::array<kinglet::mean::MeanForm, A::step_count> mean_forms{};
  // Computed by `prepare`. Lists by kind of step are indexed by A::slots.
  std::array<Multiplier, A::slots.channels> multipliers{};
  std::array<ActivationRange, A::step_count> ranges{};
  std::array<kinglet::add::AddQuantization, A::slots.adds> adds{};
  std::array<kinglet::mean::MeanQuantization, A::slots.means> means{};
  std::array<std::array<float, 256>, A::slots.softmaxes> tables{};
  alignas(packed_alignment) std::array<std::byte, A::packed.back()> packed{};

  [[nodiscard]] constexpr const std::byte* packed_at(std::size_t i) const noexcept {
    return packed.data() + A::packed[i];
  }
  [[nodiscard]] constexpr PerTensor of(index_t tensor) const noexcept {
    return quantization[static_cast<std::size_t>(tensor)];
  }

  [[nodiscard]] constexpr ConvolutionQuantization convolution(std::size_t i,
                                                              const Step& step) const noexcept {
    return {.input_zero_point = of(step.input).zero_point,
            .filter_zero_point = weights[i].zero_point,
            .output = {.multiplier = multipliers.data() + A::slots.ordinal[i],
                       .zero_point = of(step.output).zero_point,
                       .min = ranges[i].min,
                       .max = ranges[i].max}};
  }

  template <Profile P>
  constexpr Status prepare() noexcept {
    for (std::size_t i = 0; i < A::step_count; ++i) {
      const Step& step = A::graph.steps[i];
      const auto failure = [&](std::string_view detail) {
        return Status::failure(Errc::bad_quantization, detail)
            .at_operator(static_cast<std::int32_t>(i), name_of(step.op));
      };
      const PerTensor in = of(step.input);
      const PerTensor out = of(step.output);
      const PerTensor other = step.other >= 0 ? of(step.other) : in;
      if (const auto broken = detail::broken_quantization_rule<T>(step.op, {in, other, out});
          !broken.empty()) {
        return failure(broken);
      }
      ranges[i] = activation_range<T>(step.filter.activation, out);
      const std::size_t slot = A::slots.ordinal[i];
      switch (step.op) {
        case Operator::conv2d:
        case Operator::depthwise_conv2d:
        case Operator::fully_connected: {
          const auto channels = static_cast<std::size_t>(A::graph.shape(step.output).channels);
          if (const auto broken = detail::broken_weights_rule<T>(weights[i], channels); !broken.empty()) {
            return failure(broken);
          }
          const ScaleProduct product = step.op == Operator::fully_connected
                                           ? fully_connected_scale_product(weights[i].scale.size())
                                           : convolution_scale_product<W>();
          make_multipliers({in, {weights[i].scale, 0}, out, product},
                           std::span<Multiplier>(multipliers).subspan(slot, channels));
          for (std::size_t o = 0; o < channels && sizeof(T) == 2; ++o) {
            if (multipliers[slot + o].shift > Int16Limits::max_shift) {
              return failure("input scale * weight scale / output scale is 2^14 or more");
            }
          }
          visit_kernel<T>(A::graph, step, {weights[i].filter, weights[i].bias},
                          [&](auto op, auto kernel, const auto& tensors, const auto&...) {
                            using R = detail::rounding_for_t<P, op.value>;
                            decltype(kernel)::template pack<R>(tensors, convolution(i, step),
                                                               packed.data() + A::packed[i]);
                          });
          break;
        }
        case Operator::add:
          adds[slot] = kinglet::add::make_add_quantization<T>(in, other, out, step.filter.activation);
          adds[slot].linear = kinglet::add::find_linear<typename P::elementwise, T>(adds[slot]);
          break;
        case Operator::mean: {
          const Shape& shape = A::graph.shape(step.input);
          means[slot] = kinglet::mean::make_mean_quantization<P::mean, T>(in, out, shape.height * shape.width,
                                                                          mean_forms[i]);
          break;
        }
        case Operator::softmax: kinglet::softmax::make_softmax_table(in.scale, 1.0F, tables[slot]); break;
        case Operator::average_pool:
        case Operator::max_pool: {
          const Shape& shape = A::graph.shape(step.input);
          const std::int64_t pixels = std::int64_t{std::min(step.filter.height, shape.height)} *
                                      std::min(step.filter.width, shape.width);
          if (pixels > kinglet::pool::max_pixels<T>) {
            return failure("too many pixels under one window");
          }
          break;
        }
      }
    }
    return {};
  }
};

}  // namespace kinglet::inline KINGLET_TARGET::nn
