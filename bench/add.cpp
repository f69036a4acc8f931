// SPDX-License-Identifier: Apache-2.0
/// @file add.cpp
/// ADD: every shape in MobileNetV2 1.0/224. The peak is a copy that reads and writes as many bytes.
#include <kinglet/kernels/add/linear.hpp>

#include "support/element_layer.hpp"

namespace {

bench::Layer layer(const kinglet::nn::Shape& shape) {
  using namespace kinglet;
  using T = std::int8_t;
  using Kernel = select::native::add;
  const auto data = bench::element_data<T, T>(shape.size(), shape.size());
  auto q = add::make_add_quantization<T>({0.04F, 3}, {0.05F, -2}, {0.06F, 1}, Activation::none);
  q.linear = add::find_linear<profile::tflm::elementwise, T>(q);
  const Nhwc extents = nn::run_time_extents(shape);
  const add::Addition<T, Nhwc, Nhwc, Nhwc> tensors{
      {data->input.data(), extents}, {data->other.data(), extents}, {data->output.data(), extents}};
  return {.name = bench::name_of(shape),
          .kernel = Kernel::name,
          .elements = static_cast<double>(shape.size()),
          .bytes = 3.0 * static_cast<double>(shape.size()),
          .run = [=, keep = data] { Kernel::run<profile::tflm::elementwise>(tensors, q); }};
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<bench::Layer> layers;
  for (const kinglet::nn::Shape& shape : bench::added_shapes()) {
    layers.push_back(layer(shape));
  }
  return bench::run_benchmarks(argc, argv, layers);
}
