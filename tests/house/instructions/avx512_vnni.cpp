// SPDX-License-Identifier: Apache-2.0
/// @file house/instructions/avx512_vnni.cpp
/// The AVX-512 VNNI kernels, compiled to be disassembled: 8-bit layers of both signs, and 16-bit ones.
#include <kinglet/kernels/select.hpp>

namespace {

using namespace kinglet;

using Row = select::kernels<isa::avx512_vnni>;
static_assert(std::is_same_v<Row, select::native>);
static_assert(Row::conv2d::name == "avx512_vnni" && Row::depthwise::name == "avx512_vnni");
static_assert(Row::fully_connected::name == "avx512_vnni" && Row::pointwise::name == "avx512_vnni");

template <class T>
using Tensors = Convolution<T, T, Nhwc, Ohwi, Nhwc>;
using Words = Convolution<std::int16_t, std::int8_t, Nhwc, Ohwi, Nhwc>;

}  // namespace

template void Row::pointwise::run<double_rounding>(const Tensors<std::int8_t>&,
                                                   const ConvolutionQuantization&, const KernelMemory&);
template void Row::pointwise::run<double_rounding>(const Tensors<std::uint8_t>&,
                                                   const ConvolutionQuantization&, const KernelMemory&);
template void Row::depthwise::run<double_rounding>(const Window&, const Tensors<std::int8_t>&,
                                                   const ConvolutionQuantization&, const KernelMemory&);
template void Row::depthwise::run<double_rounding>(const Window&, const Tensors<std::uint8_t>&,
                                                   const ConvolutionQuantization&, const KernelMemory&);
template void Row::pointwise::run<double_rounding>(const Words&, const ConvolutionQuantization&,
                                                   const KernelMemory&);
template void Row::depthwise::run<double_rounding>(const Window&, const Words&,
                                                   const ConvolutionQuantization&, const KernelMemory&);
