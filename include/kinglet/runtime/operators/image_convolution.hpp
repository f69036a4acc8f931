// SPDX-License-Identifier: Apache-2.0
/// @file runtime/operators/image_convolution.hpp
/// What CONV_2D and DEPTHWISE_CONV_2D have in common when they are prepared, and windows also with pools: a filter that
/// moves over an image, at once or row by row.
#pragma once

#include <kinglet/kernels/unsigned_bytes.hpp>
#include <kinglet/kernels/window.hpp>
#include <kinglet/runtime/operators/convolution.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Strides and dilations are positive, and a dilated filter is not longer than any image could need.
inline void require_window(Require& require, const Window& w, index_t filter_h, index_t filter_w) noexcept {
  constexpr std::int64_t most = 1 << 24;  // keeps every position inside 32 bits
  require.option(w.stride_h >= 1, "stride_h must be at least 1", w.stride_h, 1)
      .option(w.stride_w >= 1, "stride_w must be at least 1", w.stride_w, 1)
      .option(w.stride_h <= most, "stride_h is too large", w.stride_h, most)
      .option(w.stride_w <= most, "stride_w is too large", w.stride_w, most)
      .option(w.dilation_h >= 1, "dilation_h_factor must be at least 1", w.dilation_h, 1)
      .option(w.dilation_w >= 1, "dilation_w_factor must be at least 1", w.dilation_w, 1)
      .option(std::int64_t{w.dilation_h} * filter_h <= most, "the dilated filter is too tall",
              std::int64_t{w.dilation_h} * filter_h, most)
      .option(std::int64_t{w.dilation_w} * filter_w <= most, "the dilated filter is too wide",
              std::int64_t{w.dilation_w} * filter_w, most);
}

/// Output height and width must be what the window gives; sets the window's padding.
inline void require_output_image(Require& require, Window& w, Padding padding,
                                 const std::array<index_t, 4>& filter_and_input,
                                 const TensorInfo& output) noexcept {
  const auto [filter_h, filter_w, input_h, input_w] = filter_and_input;
  const WindowExtent h = window_extent(padding, input_h, filter_h, w.stride_h, w.dilation_h);
  const WindowExtent x = window_extent(padding, input_w, filter_w, w.stride_w, w.dilation_w);
  w.pad_top = h.pad_before;
  w.pad_left = x.pad_before;
  require.extent(output, 1, h.output).extent(output, 2, x.output);
}

/// Some rows of a convolution over an image. What is the same for all rows stays where it is: a copy of all would take
/// longer than a small image's rows.
template <QuantizedElement T, QuantizedElement W>
struct ConvolutionSlice {
  Window window;
  Convolution<T, W, Nhwc, Ohwi, Nhwc> tensors;
  const ConvolutionQuantization& quantization;
  const KernelMemory& memory;
};

/// A convolution over an image: all that a kernel of conv2d, pointwise or depthwise is called with.
template <QuantizedElement T, QuantizedElement W>
struct ImageConvolution {
  Window window;
  Convolution<T, W, Nhwc, Ohwi, Nhwc> tensors;
  ConvolutionQuantization quantization;
  KernelMemory memory;
  bool takes_ring = false;  ///< its kernels know `Window::ring`

  /// Input channels over the filter's; of a depthwise filter, the number of input channels.
  [[nodiscard]] index_t groups() const noexcept { return tensors.input.extent(3) / tensors.filter.extent(3); }

  /// How it runs row by row.
  [[nodiscard]] stream::RowUse rows() const noexcept {
    const auto& [input, filter, bias, output] = tensors;
    stream::RowUse use;
    if (input.extent(0) == 1) {
      use = stream::window_rows(window, filter.extent(1), input.extent(1), output);
      use.takes_ring = takes_ring;
    }
    return use;
  }
  /// The convolution that makes a slice's rows.
  [[nodiscard]] KINGLET_ALWAYS_INLINE ConvolutionSlice<T, W> slice(
      const stream::RowSlice& slice) const noexcept {
    return {stream::window_of(window, slice),
            {stream::input_of(tensors.input, slice), tensors.filter, tensors.bias,
             stream::rows_of(tensors.output, slice.output_at, slice.count)},
            quantization,
            memory};
  }
};

/// What a kernel says that it needs, `bytes(window, tensors)`, in each way to run.
template <QuantizedElement T, QuantizedElement W, class Bytes>
ScratchBytes scratch_bytes(const ImageConvolution<T, W>& whole, Bytes bytes) noexcept {
  const auto most = [&](const stream::RowUse& use) -> std::size_t {
    if (use.mode == RowMode::none) {
      return 0;
    }
    stream::RowSlice largest;
    largest.count = use.batch;
    largest.input_rows = stream::most_input_rows(use);
    const auto slice = whole.slice(largest);  // with no address
    return bytes(slice.window, slice.tensors);
  };
  const stream::RowUse use = whole.rows();
  ScratchBytes scratch{.whole = bytes(whole.window, whole.tensors)};
  for (std::size_t width = 0; width < row_widths; ++width) {
    scratch.rows[width] = most(stream::widened(use, width));
  }
  return scratch;
}

/// Keeps a prepared convolution over an image with its kernel's memory, to be run by `Run`, also on slices.
/// @param bytes see `scratch_bytes`
template <class Kernel, Rounding R, auto Run, QuantizedElement T, QuantizedElement W, class Bytes>
void prepare_image_step(Preparation& p, const ImageConvolution<T, W>& prepared, Bytes bytes) noexcept {
  if constexpr (std::same_as<T, std::int8_t>) {
    if (keeps_unsigned<Kernel>(prepared.tensors)) {
      const ImageConvolution<std::uint8_t, W> as_bytes{
          prepared.window, as_unsigned(prepared.tensors), {}, {}};
      p.may_keep_unsigned(scratch_bytes(as_bytes, bytes));
    }
  }
  prepare_step<Kernel, R, Run>(p, prepared, scratch_bytes(prepared, bytes));
}

/// Checks and fills everything but the scratch.
/// @tparam Options Conv2DOptions (output channels along the filter's dimension 0, input channels in groups) or
/// DepthwiseConv2DOptions (along dimension 3, a multiple of the input channels).
template <QuantizedElement T, QuantizedElement W, class Options>
Result<ImageConvolution<T, W>> prepare_image_convolution(Preparation& p) noexcept {
  constexpr bool depthwise = std::is_same_v<Options, DepthwiseConv2DOptions>;
  constexpr std::size_t channel_dimension = depthwise ? 3 : 0;
  const TensorInfo input = p.input(0);
  const TensorInfo filter = p.input(1);
  const TensorInfo output = p.output();
  const auto options = p.info().template options<Options>();
  if (!options) {
    return options.status();
  }
  Require require(p);
  if (!require.rank(input, 4, 4).rank(filter, 4, 4).rank(output, 4, 4).ok()) {
    return require.status();
  }
  const Nhwc in = as_nhwc(input.shape);
  const Ohwi weights = as_nhwc(filter.shape);
  const index_t channels = weights.extent(channel_dimension);
  Window window{options->stride_h, options->stride_w, options->dilation_h, options->dilation_w};
  require_window(require, window, weights.extent(1), weights.extent(2));
  if constexpr (depthwise) {
    require.extent(filter, 0, 1)
        .that(channels % in.extent(3) == 0, filter, Errc::bad_shape,
              "output channels are not a multiple of the input's");
  } else {
    const index_t groups = in.extent(3) / weights.extent(3);
    require.that(groups >= 1 && in.extent(3) % weights.extent(3) == 0, filter, Errc::bad_shape,
                 "input channels are not a multiple of the filter's");
    require.that(groups >= 1 && channels % std::max<index_t>(groups, 1) == 0, filter, Errc::bad_shape,
                 "output channels are not a multiple of the groups");
  }
  if (!require.ok()) {
    return require.status();
  }
  require_output_image(require, window, options->padding,
                       {weights.extent(1), weights.extent(2), in.extent(1), in.extent(2)}, output);
  require.extent(output, 0, in.extent(0)).extent(output, 3, channels);
  if (!require.ok()) {
    return require.status();
  }
  ConvolutionParameters<T, W> parameters;
  const Status status = parameters.prepare(p, {.channel_dimension = channel_dimension,
                                               .activation = options->activation,
                                               .product = convolution_scale_product<W>()});
  if (!status.ok()) {
    return status;
  }
  const Nhwc out = as_nhwc(output.shape);
  const TensorInfo source = p.source(0);
  window.pad_top += p.pad().top;
  window.pad_left += p.pad().left;
  p.set_macs(std::uint64_t{out.size()} * (weights.size() / static_cast<std::size_t>(channels)));
  return ImageConvolution<T, W>{window,
                                {{p.template data<T>(source), as_nhwc(source.shape)},
                                 {p.template data<W>(filter), weights},
                                 parameters.bias(),
                                 {p.template output_data<T>(), out}},
                                parameters.quantization(),
                                {}};
}

}  // namespace kinglet::inline KINGLET_TARGET
