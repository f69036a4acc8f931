// SPDX-License-Identifier: Apache-2.0
/// @file kernels/depthwise/avx512_vnni.hpp
/// Depthwise convolution on AVX-512 with VNNI, a block of channels at a time.
#pragma once

#include <kinglet/kernels/depthwise/avx512_vnni_sums.hpp>
#include <kinglet/kernels/depthwise/avx512_vnni_words.hpp>

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

namespace kinglet::inline KINGLET_TARGET::depthwise {

/// The engine of kernels/depthwise/packed.hpp.
struct Avx512VnniBlocks : PackedDepthwise {
  static constexpr std::string_view name = "avx512_vnni";
  static constexpr index_t most_rows = detail::most_filter_rows;
  static constexpr bool keeps_unsigned = true;

  template <Rounding R, class T, class W>
  constexpr void pack(const pointwise::RowFilters<W>& from, const ConvolutionQuantization& q,
                      std::byte* packed) const noexcept {
    pack_depthwise<R, T>(*this, from, q, packed);
  }

  template <Rounding R, class C>
  void run(const Window& window, const C& tensors, const ConvolutionQuantization& q,
           const std::byte* packed) const noexcept {
    const Layer<C> layer{window, tensors, q, pointwise::Narrowing::of<typename C::activation_type>(q),
                         pointwise::Finish::of<R>(q.output, false).away};
    const std::byte* at = packed + pointwise::aligned_offset(packed);
    for (index_t b = 0; b < blocks(); ++b, at += block_bytes()) {
      switch (block(b).width) {
        case 16: run_block<16>(layer, {at}, block(b).first); break;
        case 32: run_block<32>(layer, {at}, block(b).first); break;
        default: run_block<64>(layer, {at}, block(b).first); break;
      }
    }
  }

 private:
  template <class C>
  struct Layer {
    const Window& window;
    const C& tensors;
    const ConvolutionQuantization& q;
    pointwise::Narrowing narrowing;
    bool away;
  };

  template <index_t Width, class C>
  void run_block(const Layer<C>& layer, pointwise::PackedBlock constants, index_t first) const noexcept {
    using T = typename C::activation_type;
    const auto& [input, filter, bias, output] = layer.tensors;
    const Window& window = layer.window;
    const index_t count = std::min(channels - first, Width);
    const Parts<Width> parts(output.extent(2));
    constexpr bool is_int8 = std::is_signed_v<T>;
    const Pixels<Width> pixels(parts, {channels, input.extent(2), count, is_int8 && !layer.q.unsigned_input},
                               window.stride_w,
                               static_cast<std::uint8_t>(layer.q.input_zero_point + (is_int8 ? 128 : 0)));
    alignas(64) std::int32_t waiting[IntegerEnding<Width>::most * 64];
    BlockOutput<Width> out{constants,
                           {nullptr,
                            channels,
                            count,
                            &layer.narrowing,
                            {},
                            pointwise::Narrowing::clamps_nothing<T>(layer.q.output) && count == Width,
                            std::ptrdiff_t{output.extent(2) - parts.count} * channels},
                           layer.away,
                           waiting};
    for (index_t j = 0; j < Parts<Width>::number; ++j) {
      out.parts.part[j] = std::ptrdiff_t{parts.start[j]} * channels;
    }
    detail::BlockInput<Width> in{
        .pixels = pixels,
        .block = constants,
        .span = {-window.pad_left, window.stride_w, window.dilation_w, parts.count},
        .filter_h = filter_h,
        .filter_w = filter_w,
        .d = (std::is_signed_v<typename C::weight_type> ? 0 : 128) - layer.q.filter_zero_point,
        .image = nullptr,
        .end = reinterpret_cast<const std::uint8_t*>(input.data()) +
               (window.ring == 0 ? static_cast<std::ptrdiff_t>(input.size()) : input.offset(0, window.ring)),
        .line = std::ptrdiff_t{input.extent(2)} * channels,
        .height = input.extent(1),
        .window = window,
        .top = -window.pad_top,
        .stride_h = window.stride_h,
        .dilation_h = window.dilation_h,
        .output_rows = output.extent(1)};
    for (index_t n = 0; n < output.extent(0); ++n) {
      in.image = reinterpret_cast<const std::uint8_t*>(input.data() + input.offset(n, 0, 0, first));
      out.parts.row = reinterpret_cast<std::uint8_t*>(output.data() + output.offset(n, 0, 0, first));
      using Weight = typename C::weight_type;
      if (constants.scaling() == pointwise::Scaling::one_product) {
        if (out.parts.is_plain && in.d == 0) {
          run_image<Weight, FloatEnding<Width, true>, false>(in, out);
        } else {
          run_image<Weight, FloatEnding<Width, false>>(in, out);
        }
      } else {
        run_image<Weight, IntegerEnding<Width>>(in, out);
      }
    }
  }

  /// What the types of a layer can be: int8 weights have no zero point, and uint8 ones go with unsigned activations. Code
  /// for anything else would be compiled for nothing.
  template <class W, class Ending, bool MayHaveOffsets = std::is_unsigned_v<W>, index_t Width>
  static void run_image(const detail::BlockInput<Width>& in, const BlockOutput<Width>& out) noexcept {
    constexpr bool may_be_signed = std::is_signed_v<W>;
    if constexpr (MayHaveOffsets) {
      if (in.d != 0) {
        detail::run_image<Ending, true, may_be_signed>(in, out);
        return;
      }
    }
    detail::run_image<Ending, false, may_be_signed>(in, out);
  }
};

using Avx512Vnni = Packed<Avx512VnniBlocks, Avx512VnniWords>;

}  // namespace kinglet::inline KINGLET_TARGET::depthwise

#endif
