// SPDX-License-Identifier: Apache-2.0
/// @file house/instructions/pairs.cpp
/// The kernels on pairs of 16-bit numbers, and AVX-VNNI's on bytes, compiled to be disassembled.
#include <kinglet/kernels/select.hpp>

namespace {

using namespace kinglet;

using Row = select::native;
static_assert(Row::pointwise::name == isa::native::name);

template <class T>
using Tensors = Convolution<T, std::int8_t, Nhwc, Ohwi, Nhwc>;

}  // namespace

template void Row::pointwise::run<double_rounding>(const Tensors<std::int8_t>&,
                                                   const ConvolutionQuantization&, const KernelMemory&);
template void Row::pointwise::run<double_rounding>(const Tensors<std::int16_t>&,
                                                   const ConvolutionQuantization&, const KernelMemory&);
template void Row::depthwise::run<double_rounding>(const Window&, const Tensors<std::int8_t>&,
                                                   const ConvolutionQuantization&, const KernelMemory&);
