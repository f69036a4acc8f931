// SPDX-License-Identifier: Apache-2.0
/// @file nn/network.hpp
/// A typed network with weights, ready to run: no heap, nothing parsed. Where weights and scales are constants the
/// whole object can be one too.
///
/// 1. `set_quantization(tensor, {scale, zero_point})` for every tensor, `set_weights(step, {...})` for every step
///    that has some.
/// 2. `prepare()` checks them and computes multipliers.
/// 3. Write `input(arena)`, `run(arena)`, read `output(arena)`.
#pragma once

#include <kinglet/nn/parameters.hpp>
#include <kinglet/nn/sequential.hpp>
#include <utility>

namespace kinglet::inline KINGLET_TARGET::nn {

/// From this many multiply-accumulates and outputs on, a step gains nothing from constant extents, and all such
/// steps share one instance of each kernel.
inline constexpr std::uint64_t shared_kernel_work = 50'000;

/// @tparam A a Sequential.  @tparam P whose bits to equal.
template <class A, Profile P = profile::tflm>
class Network {
 public:
  using architecture = A;
  using element_type = typename A::element_type;
  using weight_type = typename A::weight_type;
  using weights_type = Weights<weight_type, accumulator_t<element_type>>;

  static constexpr std::size_t arena_bytes = A::arena_bytes;
  using ArenaSpan = std::span<std::byte, arena_bytes>;

  constexpr void set_quantization(std::size_t tensor, PerTensor q) noexcept {
    parameters_.quantization[tensor] = q;
  }
  constexpr void set_weights(std::size_t step, const weights_type& weights) noexcept {
    parameters_.weights[step] = weights;
  }
  /// Of a MEAN step whose file does not keep the averaged dimensions: its arithmetic may be another.
  constexpr void set_mean_form(std::size_t step, kinglet::mean::MeanForm form) noexcept {
    parameters_.mean_forms[step] = form;
  }
  [[nodiscard]] constexpr PerTensor quantization(std::size_t tensor) const noexcept {
    return parameters_.quantization[tensor];
  }

  /// Checks the parameters and computes multipliers and tables. A failure names the step.
  constexpr Status prepare() noexcept { return parameters_.template prepare<P>(); }

  /// One inference. @param arena aligned to `buffer_alignment`, better `isa::register_bytes`, the input already written. Precondition: prepare().
  void run(ArenaSpan arena) const noexcept {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (run_group<I>(arena.data()), ...);
    }
    (std::make_index_sequence<A::step_count>{});
  }

  /// Where to write the input before every run.
  [[nodiscard]] static TensorView<element_type, typename A::input_extents> input(ArenaSpan arena) noexcept {
    return {at(arena.data(), 0)};
  }
  /// Where the output is after a run.
  [[nodiscard]] static TensorView<const element_type, typename A::output_extents> output(
      ArenaSpan arena) noexcept {
    return {at(arena.data(), static_cast<index_t>(A::step_count))};
  }

 private:
  using Kernels = select::native;
  static constexpr const auto& graph = A::graph;

  static element_type* at(std::byte* arena, index_t tensor) noexcept {
    return reinterpret_cast<element_type*>(arena + A::plan.tensors[static_cast<std::size_t>(tensor)]);
  }

  /// The chain that begins with step I, or the step if it is in none.
  template <std::size_t I>
  void run_group(std::byte* arena) const noexcept {
    if constexpr (A::plan.chain_first[I] == no_buffer) {
      run_step<I>(arena);
    } else if constexpr (A::plan.chain_first[I] == static_cast<std::int32_t>(I)) {
      run_chain(I, static_cast<std::size_t>(A::plan.chain_length[I]), arena);
    }
  }

  void run_chain(std::size_t first, std::size_t length, std::byte* arena) const noexcept {
    RowLink links[max_chain];
    std::copy_n(A::plan.links.begin() + static_cast<std::ptrdiff_t>(first), length, links);
    const auto memory_of = [&](std::size_t k) {
      const Shape& shape = graph.shape(graph.steps[first + k].output);
      return stream::LineMemory{arena + A::plan.tensors[first + k + 1],
                                shape.size() / static_cast<std::size_t>(shape.height) * sizeof(element_type)};
    };
    const auto run_rows = [&](std::size_t k, const stream::RowSlice& slice) {
      run_shared(first + k, slice, arena);
    };
    stream::run_chain(std::span(links, length), memory_of, run_rows);
  }

  template <std::size_t I>
  void run_step(std::byte* arena) const noexcept {
    constexpr Step step = A::graph.steps[I];
    if constexpr (A::graph.macs(step) + A::graph.shape(step.output).size() < shared_kernel_work) {
      run_operator<step.op>(whole_call(I, extents_of<A::graph.shape(step.input)>{},
                                       extents_of<A::graph.shape(step.output)>{}, arena),
                            extents_of<A::graph.filter_shape(step)>{}, arena);
    } else {
      run_shared(I, whole_slice(step), arena);
    }
  }

  /// All rows of a step.
  static constexpr stream::RowSlice whole_slice(const Step& step) noexcept {
    stream::RowSlice all;
    all.input_rows = graph.shape(step.input).height;
    all.count = graph.shape(step.output).height;
    all.above = step.filter.window(graph.shape(step.input)).pad_top;
    all.last = true;
    return all;
  }

  /// What a step's kernel is called with, besides its filter.
  template <class In, class Out>
  struct Call {
    std::size_t step;
    TensorView<const element_type, In> input;
    TensorView<const element_type, In> other;
    TensorView<element_type, Out> output;
    Window window;
  };

  template <class In, class Out>
  static Call<In, Out> whole_call(std::size_t i, const In& in, const Out& out, std::byte* arena) noexcept {
    const Step& step = graph.steps[i];
    return {i,
            {at(arena, step.input), in},
            {at(arena, step.other < 0 ? step.input : step.other), in},
            {at(arena, step.output), out},
            step.filter.window(graph.shape(step.input))};
  }

  /// Any step on some rows, its extents known at run time.
  void run_shared(std::size_t i, const stream::RowSlice& slice, std::byte* arena) const noexcept {
    const Step& step = graph.steps[i];
    if (A::plan.chain_first[i] != no_buffer && folds(graph, step)) {
      return run_fold(i, slice, arena);
    }
    const auto whole = whole_call(i, run_time_extents(graph.shape(step.input)),
                                  run_time_extents(graph.shape(step.output)), arena);
    auto call = whole;
    if (graph.shape(step.input).batch == 1) {
      call.input = stream::input_of(whole.input, slice);
      call.other = stream::rows_of(whole.other, slice.input_at[1], slice.input_rows);
      call.output = stream::rows_of(whole.output, slice.output_at, slice.count);
      call.window = stream::window_of(whole.window, slice);
    }
    const auto run_as = [&]<Operator Op>() {
      run_operator<Op>(call, run_time_extents(graph.filter_shape(step)), arena);
    };
    switch (step.op) {
      case Operator::conv2d: return run_as.template operator()<Operator::conv2d>();
      case Operator::depthwise_conv2d: return run_as.template operator()<Operator::depthwise_conv2d>();
      case Operator::fully_connected: return run_as.template operator()<Operator::fully_connected>();
      case Operator::add: return run_as.template operator()<Operator::add>();
      case Operator::mean: return run_as.template operator()<Operator::mean>();
      case Operator::average_pool: return run_as.template operator()<Operator::average_pool>();
      case Operator::max_pool: return run_as.template operator()<Operator::max_pool>();
      case Operator::softmax: return run_as.template operator()<Operator::softmax>();
    }
  }

  /// MEAN or AVERAGE_POOL_2D over a whole image, taking rows.
  void run_fold(std::size_t i, const stream::RowSlice& slice, std::byte* arena) const noexcept {
    const Step& step = graph.steps[i];
    const TensorView<const element_type, Nhwc> input(at(arena, step.input),
                                                     run_time_extents(graph.shape(step.input)));
    auto* const sums = reinterpret_cast<std::uint32_t*>(arena + A::plan.scratch[i]);
    element_type* const output = at(arena, step.output);
    if (step.op == Operator::mean) {
      stream::fold_rows(input, output, sums, slice, [&](std::int32_t sum) {
        return kinglet::mean::finish<typename P::elementwise, P::mean>(
            sum, parameters_.means[A::slots.ordinal[i]]);
      });
    } else {
      const std::int32_t count = input.extent(1) * input.extent(2);
      const ActivationRange range = parameters_.ranges[i];
      stream::fold_rows(input, output, sums, slice, [&](std::int32_t sum) {
        return std::clamp(kinglet::pool::rounded_mean(sum, count), range.min, range.max);
      });
    }
  }

  /// One step, with extents as types: constants, or dynamic ones.
  template <Operator Op, class In, class FilterExtents, class Out>
  void run_operator(const Call<In, Out>& call, const FilterExtents& filter, std::byte* arena) const noexcept {
    using T = element_type;
    const std::size_t i = call.step;
    const Step& step = graph.steps[i];
    const auto& [at_step, input, other, output, window] = call;
    [[maybe_unused]] const KernelMemory memory{parameters_.packed_at(i), arena + A::plan.scratch[i]};

    if constexpr (Op == Operator::conv2d || Op == Operator::depthwise_conv2d) {
      const Convolution<T, weight_type, In, FilterExtents, Out> tensors{
          input, {parameters_.weights[i].filter, filter}, parameters_.weights[i].bias, output};
      ConvolutionQuantization q = parameters_.convolution(i, step);
      q.unsigned_input = A::plan.unsigned_bytes[static_cast<std::size_t>(step.input)];
      q.unsigned_output = A::plan.unsigned_bytes[static_cast<std::size_t>(step.output)];
      if constexpr (Op == Operator::depthwise_conv2d) {
        Kernels::depthwise::template run<detail::rounding_for_t<P, Op>>(window, tensors, q, memory);
      } else if (runs_pointwise(step)) {
        Kernels::pointwise::template run<detail::rounding_for_t<P, Op>>(tensors, q, memory);
      } else {
        Kernels::conv2d::template run<detail::rounding_for_t<P, Op>>(window, tensors, q, memory);
      }
    } else if constexpr (Op == Operator::fully_connected) {
      const auto rows = detail::rows_of(input.extents());
      const auto matrix = detail::rows_of(filter);
      const auto results = detail::rows_of(output.extents());
      const Convolution<T, weight_type, std::remove_cv_t<decltype(rows)>, std::remove_cv_t<decltype(matrix)>,
                        std::remove_cv_t<decltype(results)>>
          tensors{{input.data(), rows},
                  {parameters_.weights[i].filter, matrix},
                  parameters_.weights[i].bias,
                  {output.data(), results}};
      Kernels::fully_connected::template run<detail::rounding_for_t<P, Op>>(
          tensors, parameters_.convolution(i, step), memory);
    } else if constexpr (Op == Operator::add) {
      const kinglet::add::Addition<T, In, In, Out> tensors{input, other, output};
      Kernels::add::template run<typename P::elementwise>(tensors, parameters_.adds[A::slots.ordinal[i]]);
    } else if constexpr (Op == Operator::mean) {
      const kinglet::mean::Reduction<T, In, Out> tensors{input, output};
      Kernels::mean::template run<typename P::elementwise, P::mean>(tensors,
                                                                    parameters_.means[A::slots.ordinal[i]]);
    } else if constexpr (Op == Operator::average_pool || Op == Operator::max_pool) {
      const kinglet::pool::Pooling pooling{window, step.filter.height, step.filter.width};
      const kinglet::pool::PoolTensors<T, In, Out> tensors{input, output};
      if constexpr (Op == Operator::average_pool) {
        Kernels::average_pool::run(pooling, tensors, parameters_.ranges[i]);
      } else {
        Kernels::max_pool::run(pooling, tensors, parameters_.ranges[i]);
      }
    } else if constexpr (sizeof(T) == 1) {
      const auto pixels = detail::pixels_of(input.extents());
      const kinglet::softmax::SoftmaxTensors<T, T, std::remove_cv_t<decltype(pixels)>,
                                             std::remove_cv_t<decltype(pixels)>>
          tensors{{input.data(), pixels}, {output.data(), pixels}};
      const PerTensor q = parameters_.quantization[static_cast<std::size_t>(step.output)];
      Kernels::softmax::run(tensors, {parameters_.tables[A::slots.ordinal[i]].data(), q.scale, q.zero_point});
    }
  }

  Parameters<A> parameters_{};
};

}  // namespace kinglet::inline KINGLET_TARGET::nn
