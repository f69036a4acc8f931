// SPDX-License-Identifier: Apache-2.0
// One kernel on the caller's own buffers: a 1x1 convolution that doubles.
#include <array>
#include <cstdio>
#include <kinglet/kernels/select.hpp>
#include <kinglet/tensor/tensor.hpp>

int main() {
  kinglet::Tensor<std::int8_t, kinglet::Extents<1, 2, 2, 1>> input;
  kinglet::Tensor<std::int8_t, kinglet::Extents<1, 1, 1, 1>> filter;
  kinglet::Tensor<std::int8_t, kinglet::Extents<1, 2, 2, 1>> output;
  input(0, 1, 1, 0) = 21;
  filter(0, 0, 0, 0) = 1;
  const kinglet::Multiplier two = kinglet::make_multiplier(2.0);
  const kinglet::Convolution<std::int8_t, std::int8_t, kinglet::Nhwc, kinglet::Ohwi, kinglet::Nhwc> tensors{
      input.view(), filter.view(), nullptr, output.view()};
  using Kernel = kinglet::select::native::conv2d;
  alignas(64) static std::array<std::byte, 4096> packed;
  alignas(64) static std::array<std::byte, 4096> scratch;
  const kinglet::Window window;
  const kinglet::ConvolutionQuantization quantization{0, 0, {&two, 0, -128, 127}};
  if (Kernel::packed_bytes(tensors) > packed.size() ||
      Kernel::scratch_bytes(window, tensors) > scratch.size()) {
    return 2;
  }
  Kernel::pack<kinglet::double_rounding>(tensors, quantization, packed.data());
  Kernel::run<kinglet::double_rounding>(window, tensors, quantization, {packed.data(), scratch.data()});
  std::printf("%d\n", output(0, 1, 1, 0));
  return output(0, 1, 1, 0) == 42 ? 0 : 1;
}
