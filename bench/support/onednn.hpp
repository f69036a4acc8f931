// SPDX-License-Identifier: Apache-2.0
/// @file support/onednn.hpp
/// Quantized convolutions as oneDNN primitives, set up the way that suits oneDNN best:
/// - activations are uint8, weights int8 with a scale per output channel, bias int32;
/// - RELU6 is the saturation of uint8 whose real range is [0, 6]: it costs nothing;
/// - zero points go into the bias where the image is not padded, and an addition of an earlier image is a sum at the
///   end of the convolution;
/// - all memory formats are oneDNN's own choice, weights are brought there beforehand.
/// Written for oneDNN 2.6 to 2.7 (version 3 has other scales).
#pragma once

#include <dlfcn.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace bench::onednn {

using dnnl::memory;

/// The library's engine and stream, with one thread.
struct Machine {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};

  /// Builds of oneDNN with OpenMP take its number of threads.
  static void use_one_thread() {
    if (void* const function = dlsym(RTLD_DEFAULT, "omp_set_num_threads")) {
      void (*set_threads)(int) = nullptr;
      std::memcpy(&set_threads, &function, sizeof set_threads);
      set_threads(1);
    }
  }
};

/// One call of a primitive.
struct Call {
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
};

/// A quantized image or vector: uint8 unless `is_signed`.
struct Image {
  memory::dims dims{};  ///< NCHW, whatever the format
  float scale = 1;
  std::int32_t zero_point = 0;
  bool is_signed = false;

  [[nodiscard]] memory::data_type type() const {
    return is_signed ? memory::data_type::s8 : memory::data_type::u8;
  }
  [[nodiscard]] memory::desc any() const { return {dims, type(), memory::format_tag::any}; }
  [[nodiscard]] memory::desc nhwc() const { return {dims, type(), memory::format_tag::nhwc}; }
};

/// What a convolution is made of.
struct Convolution {
  Image source{};
  Image destination{};
  memory::dim height = 1;  ///< of the filter
  memory::dim width = 1;
  memory::dims strides{1, 1};
  memory::dims pad_before{0, 0};
  bool depthwise = false;
  const std::int8_t* filter = nullptr;  ///< OHWI, depthwise HWO
  const std::int32_t* bias = nullptr;
  std::vector<float> filter_scales{};  ///< one, or one per output channel
  std::optional<Image> addend{};       ///< what the destination holds before, to be added

  [[nodiscard]] memory::dim inputs() const { return source.dims[1]; }
  [[nodiscard]] memory::dim outputs() const { return destination.dims[1]; }
  [[nodiscard]] memory::dim depth() const { return height * width * (depthwise ? 1 : inputs()); }
  [[nodiscard]] bool padded() const { return height > 1 || width > 1; }
  [[nodiscard]] float scale(memory::dim channel) const {
    const auto c = filter_scales.size() == 1 ? 0 : static_cast<std::size_t>(channel);
    return source.scale * filter_scales[c] / destination.scale;
  }
  [[nodiscard]] memory::dims pad_after() const {
    const auto after = [&](std::size_t d, memory::dim size) {
      return (destination.dims[d + 2] - 1) * strides[d] + size - source.dims[d + 2] - pad_before[d];
    };
    return {std::max<memory::dim>(after(0, height), 0), std::max<memory::dim>(after(1, width), 0)};
  }

  /// bias - source zero * sum(filter) + (destination zero - addend zero * addend scale / destination scale) / scale
  [[nodiscard]] std::vector<std::int32_t> folded_bias() const {
    std::vector<std::int32_t> folded;
    for (memory::dim o = 0; o < outputs(); ++o) {
      std::int64_t sum = 0;
      for (memory::dim k = 0; k < depth(); ++k) {
        sum += filter[depthwise ? k * outputs() + o : o * depth() + k];
      }
      double offset = destination.zero_point;
      if (addend) {
        offset -= addend->zero_point * static_cast<double>(addend->scale / destination.scale);
      }
      const double source_offset = padded() ? 0 : static_cast<double>(source.zero_point * sum);
      folded.push_back(static_cast<std::int32_t>(std::lround((bias == nullptr ? 0 : bias[o]) - source_offset +
                                                             offset / static_cast<double>(scale(o)))));
    }
    return folded;
  }
  [[nodiscard]] memory::dims filter_dims() const {
    return depthwise ? memory::dims{outputs(), 1, 1, height, width}
                     : memory::dims{outputs(), inputs(), height, width};
  }
  [[nodiscard]] dnnl::primitive_attr attributes() const {
    dnnl::primitive_attr attributes;
    std::vector<float> scales;
    for (memory::dim o = 0; o < outputs(); ++o) {
      scales.push_back(scale(o));
    }
    attributes.set_output_scales(1 << 1, scales);
    if (padded() && source.zero_point != 0) {
      attributes.set_zero_points(DNNL_ARG_SRC, 0, {source.zero_point});
    }
    if (addend) {
      dnnl::post_ops operations;
      operations.append_sum(addend->scale / destination.scale);
      attributes.set_post_ops(operations);
    }
    return attributes;
  }
};

/// A copy of values in the format that a primitive wants.
inline memory reordered(Machine& machine, const memory::desc& from, const void* values,
                        const memory::desc& to) {
  memory source(from, machine.engine);
  std::memcpy(source.get_data_handle(), values, from.get_size());
  memory destination(to, machine.engine);
  dnnl::reorder(source, destination).execute(machine.stream, source, destination);
  machine.stream.wait();
  return destination;
}

/// A convolution, ready but for its images, and the name of oneDNN's implementation.
struct PreparedConvolution {
  dnnl::convolution_forward::primitive_desc description;
  memory filter;
  memory bias;

  PreparedConvolution(Machine& machine, const Convolution& c)
      : description(
            {dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, c.source.any(),
             memory::desc(c.filter_dims(), memory::data_type::s8, memory::format_tag::any),
             memory::desc({c.outputs()}, memory::data_type::s32, memory::format_tag::x),
             c.addend ? c.destination.nhwc() : c.destination.any(), c.strides, c.pad_before, c.pad_after()},
            c.attributes(), machine.engine),
        filter(reordered(machine,
                         {c.filter_dims(), memory::data_type::s8,
                          c.depthwise ? memory::format_tag::hwigo : memory::format_tag::ohwi},
                         c.filter, description.weights_desc())),
        bias(description.bias_desc(), machine.engine) {
    const std::vector<std::int32_t> folded = c.folded_bias();
    std::memcpy(bias.get_data_handle(), folded.data(), folded.size() * sizeof folded[0]);
  }

  [[nodiscard]] Call call(const memory& source, const memory& destination) const {
    return {dnnl::convolution_forward(description),
            {{DNNL_ARG_SRC, source},
             {DNNL_ARG_WEIGHTS, filter},
             {DNNL_ARG_BIAS, bias},
             {DNNL_ARG_DST, destination}}};
  }
};

}  // namespace bench::onednn
