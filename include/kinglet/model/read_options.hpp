// SPDX-License-Identifier: Apache-2.0
/// @file model/read_options.hpp
/// From a file's option tables to plain structs, with the values checked that have a meaning by themselves.
#pragma once

#include <kinglet/core/result.hpp>
#include <kinglet/model/options.hpp>
#include <kinglet/model/tables.hpp>
#include <type_traits>

namespace kinglet::inline KINGLET_TARGET {

namespace detail {

/// Takes an option table's values; the first one that is out of range is the failure, and the options are then not
/// used. Files hold enums as bytes: any of 256 values can turn up.
class OptionReader {
 public:
  [[nodiscard]] constexpr const Status& status() const noexcept { return status_; }

  constexpr Padding padding(schema::Padding value) noexcept {
    if (value != schema::Padding::SAME && value != schema::Padding::VALID) {
      fail(Status::failure(Errc::bad_option, "the padding is neither SAME nor VALID",
                           static_cast<std::int64_t>(value), 1));
    }
    return value == schema::Padding::VALID ? Padding::valid : Padding::same;
  }
  constexpr Activation activation(schema::ActivationFunctionType value) noexcept {
    switch (value) {
      case schema::ActivationFunctionType::NONE: return Activation::none;
      case schema::ActivationFunctionType::RELU: return Activation::relu;
      case schema::ActivationFunctionType::RELU_N1_TO_1: return Activation::relu_n1_to_1;
      case schema::ActivationFunctionType::RELU6: return Activation::relu6;
      case schema::ActivationFunctionType::TANH:
      case schema::ActivationFunctionType::SIGN_BIT:
        fail(Status::failure(Errc::bad_option, "the fused activations TANH and SIGN_BIT are not supported"));
        return Activation::none;
    }
    fail(Status::failure(Errc::bad_option, "unknown fused activation", static_cast<std::int64_t>(value), 5));
    return Activation::none;
  }
  constexpr index_t at_least_1(index_t value, std::string_view detail) noexcept {
    if (value < 1) {
      fail(Status::failure(Errc::bad_option, detail, value, 1));
    }
    return value;
  }
  constexpr index_t stride(index_t value) noexcept { return at_least_1(value, "a stride is less than 1"); }
  constexpr index_t dilation(index_t value) noexcept {
    return at_least_1(value, "a dilation is less than 1");
  }
  constexpr index_t filter(index_t value) noexcept {
    return at_least_1(value, "a filter extent is less than 1");
  }
  float finite(float value, std::string_view detail) noexcept {
    check(is_finite(value), detail);
    return value;
  }
  constexpr void check(bool holds, std::string_view detail) noexcept {
    if (!holds) {
      fail(Status::failure(Errc::bad_option, detail));
    }
  }

 private:
  constexpr void fail(const Status& status) noexcept {
    if (status_.ok()) {
      status_ = status;
    }
  }
  Status status_{};
};

// One `read` for each table. Which file type belongs to which struct is listed below, in `option_table`.

inline Conv2DOptions read(const schema::Conv2DOptions& t, OptionReader& in) noexcept {
  return {.padding = in.padding(t.padding()),
          .stride_h = in.stride(t.stride_h()),
          .stride_w = in.stride(t.stride_w()),
          .dilation_h = in.dilation(t.dilation_h_factor()),
          .dilation_w = in.dilation(t.dilation_w_factor()),
          .activation = in.activation(t.fused_activation_function())};
}
inline DepthwiseConv2DOptions read(const schema::DepthwiseConv2DOptions& t, OptionReader& in) noexcept {
  return {.padding = in.padding(t.padding()),
          .stride_h = in.stride(t.stride_h()),
          .stride_w = in.stride(t.stride_w()),
          .dilation_h = in.dilation(t.dilation_h_factor()),
          .dilation_w = in.dilation(t.dilation_w_factor()),
          .depth_multiplier = t.depth_multiplier(),
          .activation = in.activation(t.fused_activation_function())};
}
inline TransposeConvOptions read(const schema::TransposeConvOptions& t, OptionReader& in) noexcept {
  return {.padding = in.padding(t.padding()),
          .stride_h = in.stride(t.stride_h()),
          .stride_w = in.stride(t.stride_w()),
          .activation = in.activation(t.fused_activation_function())};
}
inline Pool2DOptions read(const schema::Pool2DOptions& t, OptionReader& in) noexcept {
  return {.padding = in.padding(t.padding()),
          .stride_h = in.stride(t.stride_h()),
          .stride_w = in.stride(t.stride_w()),
          .filter_h = in.filter(t.filter_height()),
          .filter_w = in.filter(t.filter_width()),
          .activation = in.activation(t.fused_activation_function())};
}
inline FullyConnectedOptions read(const schema::FullyConnectedOptions& t, OptionReader& in) noexcept {
  in.check(t.weights_format() == schema::FullyConnectedOptionsWeightsFormat::DEFAULT,
           "the weights are in a shuffled format");
  return {.activation = in.activation(t.fused_activation_function()), .keep_num_dims = t.keep_num_dims()};
}
inline AddOptions read(const schema::AddOptions& t, OptionReader& in) noexcept {
  return {.activation = in.activation(t.fused_activation_function()), .pot_scale_int16 = t.pot_scale_int16()};
}
inline SubOptions read(const schema::SubOptions& t, OptionReader& in) noexcept {
  return {.activation = in.activation(t.fused_activation_function()), .pot_scale_int16 = t.pot_scale_int16()};
}
inline MulOptions read(const schema::MulOptions& t, OptionReader& in) noexcept {
  return {.activation = in.activation(t.fused_activation_function())};
}
inline ConcatenationOptions read(const schema::ConcatenationOptions& t, OptionReader& in) noexcept {
  return {.axis = t.axis(), .activation = in.activation(t.fused_activation_function())};
}
inline ReducerOptions read(const schema::ReducerOptions& t, OptionReader&) noexcept {
  return {.keep_dims = t.keep_dims()};
}
inline SoftmaxOptions read(const schema::SoftmaxOptions& t, OptionReader& in) noexcept {
  in.check(!(t.beta() < 0.0F), "beta is negative");
  return {.beta = in.finite(t.beta(), "beta is not finite")};
}
inline LeakyReluOptions read(const schema::LeakyReluOptions& t, OptionReader& in) noexcept {
  return {.alpha = in.finite(t.alpha(), "alpha is not finite")};
}
inline ReshapeOptions read(const schema::ReshapeOptions& t, OptionReader&) noexcept {
  return {.new_shape = list(t.new_shape())};
}
inline SqueezeOptions read(const schema::SqueezeOptions& t, OptionReader&) noexcept {
  return {.squeeze_dims = list(t.squeeze_dims())};
}
inline ResizeBilinearOptions read(const schema::ResizeBilinearOptions& t, OptionReader&) noexcept {
  return {.align_corners = t.align_corners(), .half_pixel_centers = t.half_pixel_centers()};
}
inline StridedSliceOptions read(const schema::StridedSliceOptions& t, OptionReader&) noexcept {
  return {.begin_mask = t.begin_mask(),
          .end_mask = t.end_mask(),
          .ellipsis_mask = t.ellipsis_mask(),
          .new_axis_mask = t.new_axis_mask(),
          .shrink_axis_mask = t.shrink_axis_mask(),
          .offset = t.offset()};
}

/// A FlatBuffers table without fields: reading any field of it gives the format's default. First a vtable (its own
/// bytes: 4, the table's bytes: 4), then the table (the distance back to its vtable: 4).
alignas(4) inline constexpr std::uint8_t empty_table[8] = {4, 0, 4, 0, 4, 0, 0, 0};

/// The file's table of an options struct.
template <class Options>
struct option_table;
template <>
struct option_table<Conv2DOptions> : std::type_identity<schema::Conv2DOptions> {};
template <>
struct option_table<DepthwiseConv2DOptions> : std::type_identity<schema::DepthwiseConv2DOptions> {};
template <>
struct option_table<TransposeConvOptions> : std::type_identity<schema::TransposeConvOptions> {};
template <>
struct option_table<Pool2DOptions> : std::type_identity<schema::Pool2DOptions> {};
template <>
struct option_table<FullyConnectedOptions> : std::type_identity<schema::FullyConnectedOptions> {};
template <>
struct option_table<AddOptions> : std::type_identity<schema::AddOptions> {};
template <>
struct option_table<SubOptions> : std::type_identity<schema::SubOptions> {};
template <>
struct option_table<MulOptions> : std::type_identity<schema::MulOptions> {};
template <>
struct option_table<ConcatenationOptions> : std::type_identity<schema::ConcatenationOptions> {};
template <>
struct option_table<ReducerOptions> : std::type_identity<schema::ReducerOptions> {};
template <>
struct option_table<SoftmaxOptions> : std::type_identity<schema::SoftmaxOptions> {};
template <>
struct option_table<LeakyReluOptions> : std::type_identity<schema::LeakyReluOptions> {};
template <>
struct option_table<ReshapeOptions> : std::type_identity<schema::ReshapeOptions> {};
template <>
struct option_table<SqueezeOptions> : std::type_identity<schema::SqueezeOptions> {};
template <>
struct option_table<ResizeBilinearOptions> : std::type_identity<schema::ResizeBilinearOptions> {};
template <>
struct option_table<StridedSliceOptions> : std::type_identity<schema::StridedSliceOptions> {};

}  // namespace detail

/// The options of an operator of a verified file; the format's defaults when it has none, or those of another
/// operator.
template <class Options>
Result<Options> read_options(const schema::Operator& op) noexcept {
  using Table = typename detail::option_table<Options>::type;
  const Table* table = op.builtin_options_as<Table>();
  if (table == nullptr) {
    table = reinterpret_cast<const Table*>(detail::empty_table + 4);
  }
  detail::OptionReader in;
  const Options options = detail::read(*table, in);
  if (!in.status().ok()) {
    return in.status();
  }
  return options;
}

}  // namespace kinglet::inline KINGLET_TARGET
