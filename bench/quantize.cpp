// SPDX-License-Identifier: Apache-2.0
/// @file quantize.cpp
/// QUANTIZE of MobileNetV2's picture, from bytes and from floats, and DEQUANTIZE of its classes. The peak is a copy
/// that reads and writes as many bytes.
#include <kinglet/kernels/quantize/linear.hpp>

#include "support/element_layer.hpp"

namespace {

constexpr kinglet::nn::Shape picture{1, 224, 224, 3};

/// @param quantization what the kernel takes: integers, or the scale and zero point of the quantized side
template <class Kernel, class From, class To, class Quantization>
bench::Layer layer(std::string_view kind, std::size_t size, const Quantization& quantization) {
  using R = kinglet::profile::tflm::elementwise;
  const auto data = bench::element_data<From, To>(size, size);
  return {.name = std::string(kind) + " of " + std::to_string(size),
          .kernel = Kernel::name,
          .elements = static_cast<double>(size),
          .bytes = static_cast<double>(size * (sizeof(From) + sizeof(To))),
          .run = [=] {
            const std::span<const From> input(data->input);
            if constexpr (std::is_same_v<From, float>) {
              Kernel::template run<kinglet::profile::tflm::quantize_quotient>(input, data->output.data(),
                                                                              quantization);
            } else if constexpr (std::is_same_v<To, float>) {
              Kernel::run(input, data->output.data(), quantization);
            } else {
              Kernel::template run<R>(input, data->output.data(), quantization);
            }
          }};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace kinglet;
  using Quantize = select::native::quantize;
  using Dequantize = select::native::dequantize;
  const PerTensor bytes{1.0F / 128, 128};
  const PerTensor same{1.0F / 128, 0};
  const PerTensor other{1.0F / 100, 5};
  using R = profile::tflm::elementwise;
  auto from_bytes = quantize::make_requantize_quantization<std::int8_t>(bytes, same);
  from_bytes.linear = quantize::find_linear<R, std::uint8_t, std::int8_t>(from_bytes);
  auto rescaled = quantize::make_requantize_quantization<std::int8_t>(same, other);
  rescaled.linear = quantize::find_linear<R, std::int8_t, std::int8_t>(rescaled);
  return bench::run_benchmarks(
      argc, argv,
      {layer<Quantize, std::uint8_t, std::int8_t>("uint8 to int8", picture.size(), from_bytes),
       layer<Quantize, std::int8_t, std::int8_t>("int8 to another scale", picture.size(), rescaled),
       layer<Quantize, float, std::int8_t>("float to int8", picture.size(), other),
       layer<Dequantize, std::int8_t, float>("int8 to float", 1000, other)});
}
