// SPDX-License-Identifier: Apache-2.0
/// @file quant/profile.hpp
/// Conformance profiles: which arithmetic each operator uses, and so whose output bits the library equals.
#pragma once

#include <kinglet/quant/rounding.hpp>
#include <string_view>

namespace kinglet::inline KINGLET_TARGET {

/// How MEAN divides.
enum class MeanArithmetic : std::uint8_t {
  fixed_point,     ///< TFLite Micro: the count goes into the multiplier
  floating_point,  ///< TFLite: single precision
};

namespace profile {

/// TFLite Micro as it is built by default. The library's default.
struct tflm {
  static constexpr std::string_view name = "tflm";
  using conv2d = double_rounding;
  using grouped_conv2d = double_rounding;
  using depthwise = double_rounding;
  using fully_connected = double_rounding;
  using elementwise = double_rounding;
  using quantize_quotient = float;
  static constexpr MeanArithmetic mean = MeanArithmetic::fixed_point;
  static constexpr bool shifts_powers_of_two = false;
};

/// TFLite 2.9's builtin kernels on x86-64 (no XNNPACK).
struct tflite {
  static constexpr std::string_view name = "tflite";
  using conv2d = double_rounding_upward;
  using grouped_conv2d = double_rounding;  // TFLite leaves its matrix library for groups
  using depthwise = double_rounding;
  using fully_connected = double_rounding_upward;
  using elementwise = double_rounding;
  using quantize_quotient = double;  // QUANTIZE of reals: real / scale
  static constexpr MeanArithmetic mean = MeanArithmetic::floating_point;
  /// 16-bit ADD whose scales are powers of two, as the option `pot_scale_int16` allows: shifts, not multipliers.
  static constexpr bool shifts_powers_of_two = true;
};

/// TFLite Micro built with TFLITE_SINGLE_ROUNDING=1.
struct single {
  static constexpr std::string_view name = "single";
  using conv2d = single_rounding;
  using grouped_conv2d = single_rounding;
  using depthwise = single_rounding;
  using fully_connected = single_rounding;
  using elementwise = single_rounding;
  using quantize_quotient = float;
  static constexpr MeanArithmetic mean = MeanArithmetic::fixed_point;
  static constexpr bool shifts_powers_of_two = false;
};

}  // namespace profile

template <class P>
concept Profile =
    Rounding<typename P::conv2d> && Rounding<typename P::grouped_conv2d> && Rounding<typename P::depthwise> &&
    Rounding<typename P::fully_connected> && Rounding<typename P::elementwise>;

}  // namespace kinglet::inline KINGLET_TARGET
