// SPDX-License-Identifier: Apache-2.0
/// @file kernels/select.hpp
/// One table: operator x target -> kernel. A row inherits from its fallback's row, so it names only what the
/// target has code of its own for.
#pragma once

#include <kinglet/isa/target.hpp>
#include <kinglet/kernels/add/avx2.hpp>
#include <kinglet/kernels/add/avx512bw.hpp>
#include <kinglet/kernels/add/generic.hpp>
#include <kinglet/kernels/add/neon.hpp>
#include <kinglet/kernels/add/sse4_1.hpp>
#include <kinglet/kernels/by_element.hpp>
#include <kinglet/kernels/conv2d/avx2.hpp>
#include <kinglet/kernels/conv2d/avx2_vnni.hpp>
#include <kinglet/kernels/conv2d/avx512_vnni.hpp>
#include <kinglet/kernels/conv2d/avx512bw.hpp>
#include <kinglet/kernels/conv2d/generic.hpp>
#include <kinglet/kernels/conv2d/neon.hpp>
#include <kinglet/kernels/conv2d/neon_dotprod.hpp>
#include <kinglet/kernels/conv2d/neon_i8mm.hpp>
#include <kinglet/kernels/conv2d/sse4_1.hpp>
#include <kinglet/kernels/depthwise/avx2.hpp>
#include <kinglet/kernels/depthwise/avx512_vnni.hpp>
#include <kinglet/kernels/depthwise/avx512bw.hpp>
#include <kinglet/kernels/depthwise/generic.hpp>
#include <kinglet/kernels/depthwise/neon.hpp>
#include <kinglet/kernels/depthwise/neon_dotprod.hpp>
#include <kinglet/kernels/depthwise/sse4_1.hpp>
#include <kinglet/kernels/fully_connected/avx2.hpp>
#include <kinglet/kernels/fully_connected/avx2_vnni.hpp>
#include <kinglet/kernels/fully_connected/avx512_vnni.hpp>
#include <kinglet/kernels/fully_connected/avx512bw.hpp>
#include <kinglet/kernels/fully_connected/generic.hpp>
#include <kinglet/kernels/fully_connected/neon.hpp>
#include <kinglet/kernels/fully_connected/neon_dotprod.hpp>
#include <kinglet/kernels/fully_connected/neon_i8mm.hpp>
#include <kinglet/kernels/fully_connected/sse4_1.hpp>
#include <kinglet/kernels/mean/generic.hpp>
#include <kinglet/kernels/pad/generic.hpp>
#include <kinglet/kernels/pointwise/avx2.hpp>
#include <kinglet/kernels/pointwise/avx2_vnni.hpp>
#include <kinglet/kernels/pointwise/avx512_vnni.hpp>
#include <kinglet/kernels/pointwise/avx512bw.hpp>
#include <kinglet/kernels/pointwise/generic.hpp>
#include <kinglet/kernels/pointwise/neon.hpp>
#include <kinglet/kernels/pointwise/neon_dotprod.hpp>
#include <kinglet/kernels/pointwise/neon_i8mm.hpp>
#include <kinglet/kernels/pointwise/sse4_1.hpp>
#include <kinglet/kernels/pool/generic.hpp>
#include <kinglet/kernels/quantize/generic.hpp>
#include <kinglet/kernels/reshape/generic.hpp>
#include <kinglet/kernels/softmax/generic.hpp>

namespace kinglet::inline KINGLET_TARGET::select {

template <class Target>
struct kernels;

template <>
struct kernels<isa::scalar> {
  using add = kinglet::add::Generic;
  using average_pool = kinglet::pool::GenericAverage;
  using conv2d = kinglet::conv2d::Generic;
  using depthwise = kinglet::depthwise::Generic;
  using dequantize = kinglet::quantize::GenericDequantize;
  using fully_connected = kinglet::fully_connected::Generic;
  using max_pool = kinglet::pool::GenericMax;
  using mean = kinglet::mean::Generic;
  using pad = kinglet::pad::Generic;
  using pointwise = kinglet::pointwise::Generic;
  using quantize = kinglet::quantize::Generic;
  using reshape = kinglet::reshape::Generic;
  using softmax = kinglet::softmax::Generic;
};
template <>
struct kernels<isa::sse4_1> : kernels<isa::scalar> {
// The row exists on every machine, its kernels only where the compiler may use the instructions.
#if defined(__SSE4_1__)
  using add = kinglet::add::Sse41;
  using conv2d = kinglet::conv2d::Sse41;
  using depthwise = kinglet::depthwise::Sse41;
  using fully_connected = kinglet::fully_connected::Sse41;
  using pointwise = kinglet::pointwise::Sse41;
#endif
};
template <>
struct kernels<isa::avx2> : kernels<isa::sse4_1> {
#if defined(__AVX2__)
  using add = kinglet::add::Avx2;
  using conv2d = kinglet::conv2d::Avx2;
  using depthwise = kinglet::depthwise::Avx2;
  using fully_connected = kinglet::fully_connected::Avx2;
  using pointwise = kinglet::pointwise::Avx2;
#endif
};
template <>
struct kernels<isa::avx2_vnni> : kernels<isa::avx2> {
#if defined(__AVX2__) && defined(__AVXVNNI__)
  using conv2d = ByElement<SignedEightBits, kinglet::conv2d::Avx2Vnni, kernels<isa::avx2>::conv2d>;
  using fully_connected =
      ByElement<SignedEightBits, kinglet::fully_connected::Avx2Vnni, kernels<isa::avx2>::fully_connected>;
  using pointwise = ByElement<SignedEightBits, kinglet::pointwise::Avx2Vnni, kernels<isa::avx2>::pointwise>;
#endif
};
template <>
struct kernels<isa::avx512bw> : kernels<isa::avx2> {
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
  using add = kinglet::add::Avx512bw;
  using conv2d = kinglet::conv2d::Avx512bw;
  using depthwise = kinglet::depthwise::Avx512bw;
  using fully_connected = kinglet::fully_connected::Avx512bw;
  using pointwise = kinglet::pointwise::Avx512bw;
#endif
};
template <>
struct kernels<isa::avx512_vnni> : kernels<isa::avx512bw> {
#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
  using conv2d = kinglet::conv2d::Avx512Vnni;
  using depthwise = kinglet::depthwise::Avx512Vnni;
  using fully_connected = kinglet::fully_connected::Avx512Vnni;
  using pointwise = kinglet::pointwise::Avx512Vnni;
#endif
};
template <>
struct kernels<isa::neon> : kernels<isa::scalar> {
#if KINGLET_HAS_NEON
  using add = kinglet::add::Neon;
  using conv2d = kinglet::conv2d::Neon;
  using depthwise = kinglet::depthwise::Neon;
  using fully_connected = kinglet::fully_connected::Neon;
  using pointwise = kinglet::pointwise::Neon;
#endif
};
template <>
struct kernels<isa::neon_dotprod> : kernels<isa::neon> {
#if KINGLET_HAS_NEON_DOTPROD
  using conv2d = kinglet::conv2d::NeonDotprod;
  using depthwise = kinglet::depthwise::NeonDotprod;
  using fully_connected = kinglet::fully_connected::NeonDotprod;
  using pointwise = kinglet::pointwise::NeonDotprod;
#endif
};
template <>
struct kernels<isa::neon_i8mm> : kernels<isa::neon_dotprod> {
#if KINGLET_HAS_NEON_I8MM
  using conv2d = kinglet::conv2d::NeonI8mm;
  using fully_connected = kinglet::fully_connected::NeonI8mm;
  using pointwise = kinglet::pointwise::NeonI8mm;
#endif
};

/// The kernels of this translation unit's target.
using native = kernels<isa::native>;

/// Kernels that use weights as they lie in the file, and make no copy of them: the portable ones; of operators without
/// weights, the target's.
struct in_place : native {
  using conv2d = kernels<isa::scalar>::conv2d;
  using depthwise = kernels<isa::scalar>::depthwise;
  using fully_connected = kernels<isa::scalar>::fully_connected;
  using pointwise = kernels<isa::scalar>::pointwise;
};

}  // namespace kinglet::inline KINGLET_TARGET::select
