// SPDX-License-Identifier: Apache-2.0
/// @file kernels/inverted_residual/fused.hpp
/// The inverted residual (Sandler et al. 2018, sections 3.3 and 5.1) without its expanded tensor:
///   expanded  = expand 1x1 (input)                 as many rows as the depthwise filter is tall
///   filtered  = depthwise (expanded)               a row
///   projected = project 1x1 (filtered)             a row
///   output    = input + projected, or projected    where shapes allow, if `add` is given
/// One instance of the row-streaming pipeline (kernels/stream/pipeline.hpp), on the target's kernels for the operators; the
/// executor and typed networks stream this and longer chains by the same one.
#pragma once

#include <array>
#include <kinglet/kernels/select.hpp>
#include <kinglet/kernels/stream/pipeline.hpp>
#include <kinglet/kernels/stream/row_use.hpp>
#include <kinglet/quant/profile.hpp>
#include <optional>

namespace kinglet::inline KINGLET_TARGET::inverted_residual {

/// @tparam T activations  @tparam W weights
template <QuantizedElement T, QuantizedElement W>
struct Block {
  struct Layer {
    TensorView<const W, Ohwi> filter{};      ///< OHWI; 1 H W O of the depthwise one
    const accumulator_t<T>* bias = nullptr;  ///< one per output channel, or null
  };
  TensorView<const T, Nhwc> input;
  Layer expand;  ///< no filter: the input is not expanded
  Layer depthwise;
  Layer project;
  TensorView<T, Nhwc> output;

  [[nodiscard]] constexpr bool expands() const noexcept { return expand.filter.data() != nullptr; }
};

struct BlockQuantization {
  ConvolutionQuantization expand{};
  ConvolutionQuantization depthwise{};
  ConvolutionQuantization project{};
  std::optional<kinglet::add::AddQuantization> add{};  ///< of input + projected; none: no residual connection
};

/// @tparam Kernels a row of kernels/select.hpp
template <class Kernels = select::native>
class Fused {
 public:
  static constexpr std::string_view name = "fused";

  /// Bytes of the three packed filters.
  template <class B>
  static constexpr std::size_t packed_bytes(const Window& window, const B& block) noexcept {
    const Parts<B> parts(window, block);
    return parts.packed_at(add_at);
  }
  /// Line buffers, and the scratch of the kernel that wants most.
  template <class B>
  static constexpr std::size_t scratch_bytes(const Window& window, const B& block, bool adds) noexcept {
    Chain chain = make_chain(window, block, adds);
    const Parts<B> parts(window, block);
    return line_at(chain, chain.count) + parts.scratch_bytes(chain);
  }

  /// @tparam P whose bits to equal
  template <Profile P, class B>
  static constexpr void pack(const Window& window, const B& block, const BlockQuantization& q,
                             std::byte* packed) noexcept {
    const Parts<B> parts(window, block);
    if (block.expands()) {
      Pointwise::template pack<typename P::conv2d>(parts.expand, q.expand, packed);
    }
    Depthwise::template pack<typename P::depthwise>(parts.depthwise, q.depthwise,
                                                    packed + parts.packed_at(depthwise_at));
    Pointwise::template pack<typename P::conv2d>(parts.project, q.project,
                                                 packed + parts.packed_at(project_at));
  }

  /// @param window of the depthwise filter  @param memory both parts aligned to `buffer_alignment`
  template <Profile P, class B>
  static void run(const Window& window, const B& block, const BlockQuantization& q,
                  const KernelMemory& memory) noexcept {
    Chain chain = make_chain(window, block, q.add.has_value());
    const Parts<B> parts(window, block);
    std::byte* const scratch = memory.scratch + line_at(chain, chain.count);
    const auto part_memory = [&](std::size_t part) {
      return KernelMemory{memory.packed + parts.packed_at(part), scratch};
    };
    using T = std::remove_cvref_t<decltype(*block.output.data())>;
    const index_t images = block.input.extent(0);
    for (index_t n = 0; n < images; ++n) {
      const auto image = [n](const auto& view) {
        using View = std::remove_cvref_t<decltype(view)>;
        return View{view.data() + view.offset(n), Nhwc{1, view.extent(1), view.extent(2), view.extent(3)}};
      };
      const auto input = image(block.input);
      const auto output = image(block.output);
      /// Where a link's output lies: in its line buffer, or in the block's output.
      const auto line = [&](std::size_t k) {
        const Nhwc& shape = chain.shapes[k];
        T* const own = reinterpret_cast<T*>(memory.scratch + line_at(chain, k));
        return TensorView<T, Nhwc>{k + 1 == chain.count ? output.data() : own, shape};
      };
      stream::run_chain(
          std::span(chain.links.data(), chain.count),
          [&](std::size_t k) {
            return stream::LineMemory{reinterpret_cast<std::byte*>(line(k).data()),
                                      row_bytes<T>(chain.shapes[k])};
          },
          [&](std::size_t k, const stream::RowSlice& slice) {
            const TensorView<const T, Nhwc> from = k == 0 ? input : line(k - 1);
            const auto in =
                stream::rows_of(from, slice.input_at[chain.parts[k] == add_at ? 1 : 0], slice.input_rows);
            const auto out = stream::rows_of(line(k), slice.output_at, slice.count);
            switch (chain.parts[k]) {
              case expand_at:
                Pointwise::template run<typename P::conv2d>(with(parts.expand, in, out), q.expand,
                                                            part_memory(expand_at));
                break;
              case depthwise_at:
                Depthwise::template run<typename P::depthwise>(stream::window_of(window, slice),
                                                               with(parts.depthwise, in, out), q.depthwise,
                                                               part_memory(depthwise_at));
                break;
              case project_at:
                Pointwise::template run<typename P::conv2d>(with(parts.project, in, out), q.project,
                                                            part_memory(project_at));
                break;
              default:
                Kernels::add::template run<typename P::elementwise>(
                    kinglet::add::Addition<T, Nhwc, Nhwc, Nhwc>{
                        stream::rows_of(input, slice.input_at[0], slice.input_rows), in, out},
                    *q.add);
                break;
            }
          });
    }
  }

 private:
  using Pointwise = typename Kernels::pointwise;
  using Depthwise = typename Kernels::depthwise;

  enum Part : std::size_t { expand_at, depthwise_at, project_at, add_at };

  /// The operators that there are, and their outputs' extents for one image.
  struct Chain {
    std::array<RowLink, 4> links{};
    std::array<Nhwc, 4> shapes{};
    std::array<Part, 4> parts{};
    std::size_t count = 0;
    std::size_t element_bytes = 1;

    constexpr void append(Part part, const stream::RowUse& use, const Nhwc& shape) noexcept {
      RowLink& link = links[count];
      const auto before = static_cast<std::int16_t>(count) - 1;
      link.producers[part == add_at ? 1 : 0] = static_cast<std::int16_t>(before);  // -1: outside
      if (count > 0) {
        links[count - 1].last_reader = static_cast<std::int16_t>(count);
        links[count - 1].whole_output = false;
      }
      link.whole_output = true;
      link.window = use.window;
      link.input_rows = use.input_rows;
      link.rows = use.rows;
      link.batch = use.batch;
      link.stored = 0;
      shapes[count] = shape;
      parts[count] = part;
      ++count;
    }
  };

  template <class B>
  static constexpr Chain make_chain(const Window& window, const B& block, bool adds) noexcept {
    const auto& in = block.input;
    const auto& out = block.output;
    const auto& filter = block.depthwise.filter;
    Chain chain;
    chain.element_bytes = sizeof(*out.data());
    const auto image = [](index_t h, index_t w, index_t c) { return Nhwc{1, h, w, c}; };
    if (block.expands()) {
      chain.append(expand_at, stream::elementwise_rows(in.extent(1), in.extent(2)),
                   image(in.extent(1), in.extent(2), filter.extent(3)));
    }
    const Nhwc filtered = image(out.extent(1), out.extent(2), filter.extent(3));
    chain.append(depthwise_at, stream::window_rows(window, filter.extent(1), in.extent(1), filtered),
                 filtered);
    const Nhwc projected = image(out.extent(1), out.extent(2), out.extent(3));
    const stream::RowUse rows = stream::elementwise_rows(out.extent(1), out.extent(2));
    chain.append(project_at, rows, projected);
    if (adds) {
      chain.append(add_at, rows, projected);
    }
    const std::span links(chain.links.data(), chain.count);
    count_stored_rows(links, [](std::size_t) {});
    links.back().stored = links.back().rows;
    return chain;
  }

  template <class T>
  static constexpr std::size_t row_bytes(const Nhwc& shape) noexcept {
    return static_cast<std::size_t>(shape.extent(2)) * static_cast<std::size_t>(shape.extent(3)) * sizeof(T);
  }
  /// Where link k's line buffer begins; behind the last: where kernels' scratch does.
  static constexpr std::size_t line_at(const Chain& chain, std::size_t k) noexcept {
    std::size_t at = 0;
    for (std::size_t i = 0; i < k && i + 1 < chain.count; ++i) {
      at += align_up(static_cast<std::size_t>(chain.links[i].stored) * row_bytes<std::byte>(chain.shapes[i]) *
                     chain.element_bytes);
    }
    return at;
  }

  template <class C, class In, class Out>
  static constexpr C with(C tensors, const In& in, const Out& out) noexcept {
    tensors.input = in;
    tensors.output = out;
    return tensors;
  }

  /// The three convolutions, with the extents of whole images and without addresses of activations.
  template <class B>
  struct Parts {
    using T = std::remove_cvref_t<decltype(*std::declval<B>().output.data())>;
    using W = std::remove_cvref_t<decltype(*std::declval<B>().expand.filter.data())>;
    using C = Convolution<T, W, Nhwc, Ohwi, Nhwc>;
    Window window;
    C expand;
    C depthwise;
    C project;
    bool expands;

    constexpr Parts(const Window& w, const B& block) noexcept : window(w), expands(block.expands()) {
      const auto& in = block.input;
      const auto& out = block.output;
      const index_t channels = block.depthwise.filter.extent(3);
      const Nhwc inner{1, in.extent(1), in.extent(2), channels};
      const Nhwc filtered{1, out.extent(1), out.extent(2), channels};
      expand = {{nullptr, in.extents()}, block.expand.filter, block.expand.bias, {nullptr, inner}};
      depthwise = {{nullptr, inner}, block.depthwise.filter, block.depthwise.bias, {nullptr, filtered}};
      project = {{nullptr, filtered}, block.project.filter, block.project.bias, {nullptr, out.extents()}};
    }
    [[nodiscard]] constexpr std::size_t packed_at(std::size_t part) const noexcept {
      std::size_t at = 0;
      at += part > expand_at && expands ? align_up(Pointwise::packed_bytes(expand)) : 0;
      at += part > depthwise_at ? align_up(Depthwise::packed_bytes(depthwise)) : 0;
      at += part > project_at ? align_up(Pointwise::packed_bytes(project)) : 0;
      return at;
    }
    /// Of a slice of each.
    [[nodiscard]] constexpr std::size_t scratch_bytes(const Chain& chain) const noexcept {
      std::size_t most = 0;
      for (std::size_t k = 0; k < chain.count; ++k) {
        const RowLink& link = chain.links[k];
        const auto slice = [&](const C& whole) {
          const auto rows = [](const auto& view, index_t height) {
            return Nhwc{1, height, view.extent(2), view.extent(3)};
          };
          const index_t read =
              std::min(link.window.end(link.batch - 1) + link.window.before, link.input_rows);
          return C{{nullptr, rows(whole.input, read)},
                   whole.filter,
                   whole.bias,
                   {nullptr, rows(whole.output, link.batch)}};
        };
        switch (chain.parts[k]) {
          case expand_at: most = std::max(most, Pointwise::scratch_bytes(slice(expand))); break;
          case depthwise_at: most = std::max(most, Depthwise::scratch_bytes(window, slice(depthwise))); break;
          case project_at: most = std::max(most, Pointwise::scratch_bytes(slice(project))); break;
          default: break;
        }
      }
      return most;
    }
  };
};

}  // namespace kinglet::inline KINGLET_TARGET::inverted_residual
