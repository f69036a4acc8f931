// SPDX-License-Identifier: Apache-2.0
/// @file pool.cpp
/// Pools: the global average of older MobileNetV2 files, and windows of 2x2 on the network's first image. The peak
/// is a copy that reads and writes as many bytes.
#include "support/element_layer.hpp"

namespace {

template <class Kernel>
bench::Layer layer(std::string_view kind, const kinglet::nn::Shape& in, const kinglet::nn::Filter& filter) {
  using namespace kinglet;
  using T = std::int8_t;
  const nn::Shape out = filter.output(in, in.channels);
  const auto data = bench::element_data<T, T>(in.size(), out.size());
  const pool::PoolTensors<T, Nhwc, Nhwc> tensors{{data->input.data(), nn::run_time_extents(in)},
                                                 {data->output.data(), nn::run_time_extents(out)}};
  const pool::Pooling pooling{filter.window(in), filter.height, filter.width};
  return {.name = std::string(kind) + " " + bench::name_of(in) + " -> " + bench::name_of(out),
          .kernel = Kernel::name,
          .elements = static_cast<double>(in.size()),
          .bytes = static_cast<double>(in.size() + out.size()),
          .run = [=, keep = data] {
            Kernel::run(pooling, tensors, ActivationRange{-128, 127});
          }};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace kinglet;
  using Average = select::native::average_pool;
  using Max = select::native::max_pool;
  return bench::run_benchmarks(argc, argv,
                               {layer<Average>("average", {1, 7, 7, 1280}, nn::square(7).valid()),
                                layer<Average>("average", {1, 112, 112, 32}, nn::square(2, 2)),
                                layer<Max>("max", {1, 112, 112, 32}, nn::square(2, 2))});
}
