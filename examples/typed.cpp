// SPDX-License-Identifier: Apache-2.0
// A network as a type: shapes, strides and the arena are known to the compiler, and so is its size in memory. The
// weights here are made up; a real program links constants, or takes them from a file with load_weights().
#include <cstdio>
#include <kinglet/nn/inverted_residual.hpp>
#include <kinglet/nn/layers.hpp>
#include <kinglet/nn/network.hpp>

using namespace kinglet;
using Architecture = nn::Sequential<nn::Input<std::int8_t, 32, 32, 3>,                            //
                                    nn::Conv2D<16, nn::square(3, 2).with(Activation::relu6)>,     //
                                    nn::InvertedResidual<4, 16>, nn::InvertedResidual<4, 24, 2>,  //
                                    nn::Mean, nn::FullyConnected<10>, nn::Softmax>;
static_assert(Architecture::arena_bytes <=
              37 * 1024);  // 16x16x64 before and after a depthwise filter, 16x16x16 to add

int main() {
  static nn::Network<Architecture> network;
  static std::int8_t weights[4096];
  for (std::size_t i = 0; i < std::size(weights); ++i) {
    weights[i] = static_cast<std::int8_t>(i * 37 % 255);
  }
  static constexpr float weight_scale[] = {0.002F};
  for (std::size_t tensor = 0; tensor < Architecture::tensor_count; ++tensor) {
    network.set_quantization(tensor, {.scale = 6.0F / 255, .zero_point = -128});
  }
  network.set_quantization(Architecture::tensor_count - 1, {.scale = 1.0F / 256, .zero_point = -128});
  for (std::size_t step = 0; step < Architecture::step_count; ++step) {
    network.set_weights(step, {.filter = weights, .scale = weight_scale});
  }
  if (const Status status = network.prepare(); !status.ok()) {
    std::puts(sentence(status.code).data());
    return 1;
  }

  alignas(isa::register_bytes) static std::byte arena[Architecture::arena_bytes];
  const auto input = network.input(arena);
  for (index_t y = 0; y < input.extent(1); ++y) {
    for (index_t x = 0; x < input.extent(2); ++x) {
      input(0, y, x, 0) = static_cast<std::int8_t>(8 * y - 128);
      input(0, y, x, 1) = static_cast<std::int8_t>(8 * x - 128);
      input(0, y, x, 2) = static_cast<std::int8_t>(4 * (x + y) - 128);
    }
  }
  network.run(arena);
  const auto output = network.output(arena);
  for (index_t k = 0; k < output.extent(3); ++k) {
    std::printf("class %d: %.3f\n", static_cast<int>(k), (output(0, 0, 0, k) + 128) / 256.0);
  }
  std::printf("%zu bytes of arena, %llu multiply-accumulates\n", Architecture::arena_bytes,
              static_cast<unsigned long long>(Architecture::macs));
}
