// SPDX-License-Identifier: Apache-2.0
/// @file mean.cpp
/// MEAN over the last image of MobileNetV2 1.0/224, in the arithmetic of both profiles. The peak is a copy that
/// reads and writes as many bytes.
#include "support/element_layer.hpp"

namespace {

template <kinglet::Profile P>
bench::Layer layer() {
  using namespace kinglet;
  using T = std::int8_t;
  using Kernel = select::native::mean;
  constexpr nn::Shape in{1, 7, 7, 1280};
  constexpr nn::Shape out{1, 1, 1, 1280};
  const auto data = bench::element_data<T, T>(in.size(), out.size());
  const auto q = mean::make_mean_quantization<P::mean, T>({0.02F, -128}, {0.01F, -128}, in.height * in.width);
  const mean::Reduction<T, Nhwc, Nhwc> tensors{{data->input.data(), nn::run_time_extents(in)},
                                               {data->output.data(), nn::run_time_extents(out)}};
  return {.name = bench::name_of(in) + ", profile " + std::string(P::name),
          .kernel = Kernel::name,
          .elements = static_cast<double>(in.size()),
          .bytes = static_cast<double>(in.size() + out.size()),
          .run = [=, keep = data] { Kernel::run<typename P::elementwise, P::mean>(tensors, q); }};
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run_benchmarks(argc, argv,
                               {layer<kinglet::profile::tflm>(), layer<kinglet::profile::tflite>()});
}
