// SPDX-License-Identifier: Apache-2.0
/// @file house/instructions/neon.cpp
/// The kernels of an ARM target, compiled to be disassembled: 8-bit layers of both signs.
#include <kinglet/kernels/select.hpp>

namespace {

using namespace kinglet;

using Row = select::native;
static_assert(Row::pointwise::name == isa::native::name && Row::conv2d::name == isa::native::name);

template <class T>
using Tensors = Convolution<T, T, Nhwc, Ohwi, Nhwc>;

}  // namespace

template void Row::pointwise::run<double_rounding>(const Tensors<std::int8_t>&,
                                                   const ConvolutionQuantization&, const KernelMemory&);
template void Row::pointwise::run<double_rounding>(const Tensors<std::uint8_t>&,
                                                   const ConvolutionQuantization&, const KernelMemory&);
template void Row::depthwise::run<double_rounding>(const Window&, const Tensors<std::int8_t>&,
                                                   const ConvolutionQuantization&, const KernelMemory&);
template void Row::depthwise::run<double_rounding>(const Window&, const Tensors<std::uint8_t>&,
                                                   const ConvolutionQuantization&, const KernelMemory&);
