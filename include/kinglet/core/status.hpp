// SPDX-License-Identifier: Apache-2.0
/// @file core/status.hpp
/// Errors as values: one enum with a sentence per value, and where it happened. Nothing here allocates.
#pragma once

#include <kinglet/core/config.hpp>
#include <string_view>

namespace kinglet::inline KINGLET_TARGET {

/// What can go wrong. `sentence()` has the words.
enum class Errc : std::uint8_t {
  ok,
  not_a_model,             // the bytes are not a .tflite FlatBuffer
  misaligned_model,        // the bytes do not start at an aligned address
  unsupported_model,       // a well-formed file that uses a part of the format we do not read
  bad_index,               // an index points outside its table
  bad_shape,               // a shape is negative, empty, too big, or does not fit the operator
  bad_buffer,              // a constant's bytes do not match its shape and type
  bad_quantization,        // scale, zero_point or quantized_dimension are missing or meaningless
  bad_option,              // an operator's option is out of its range
  bad_graph,               // operators are not in order, or two write one tensor
  unsupported_operator,    // no kernel for this operator
  unsupported_version,     // a newer version of an operator than we know
  unsupported_type,        // the operator has no kernel for this element type
  missing_tensor,          // a required input or output is absent
  not_constant,            // a tensor that must be known when loading is not
  arena_too_small,         // the caller's arena is smaller than the plan
  storage_too_small,       // the caller's storage is smaller than the tables need
  workspace_too_small,     // the planner's temporary memory is too small
  misaligned_memory,       // the caller's memory is not aligned
  bad_argument,            // a call's argument is out of range
  unknown_target,          // no target has this name
  target_not_compiled_in,  // a target without code in this program
  target_not_runnable,     // the processor, or the system, lacks what the target needs
  no_target,               // none of the program's targets can run here
  unknown_profile,         // no profile of this name in this program
  unknown_weights,         // weights are not kept this way in this program
};

/// One sentence per value, without a full stop.
constexpr std::string_view sentence(Errc code) noexcept {
  switch (code) {
    case Errc::ok: return "no error";
    case Errc::not_a_model: return "not a .tflite file, or cut short, or damaged";
    case Errc::misaligned_model: return "the model's bytes do not start at an aligned address";
    case Errc::unsupported_model: return "the file uses a part of the format that is not supported";
    case Errc::bad_index: return "an index points outside its table";
    case Errc::bad_shape: return "a shape is invalid or does not fit the operator";
    case Errc::bad_buffer: return "a constant's bytes do not match its shape and type";
    case Errc::bad_quantization: return "quantization parameters are missing or invalid";
    case Errc::bad_option: return "an option is out of range";
    case Errc::bad_graph: return "the operators do not form a valid graph";
    case Errc::unsupported_operator: return "the operator is not supported";
    case Errc::unsupported_version: return "this version of the operator is not supported";
    case Errc::unsupported_type: return "the operator does not support this element type";
    case Errc::missing_tensor: return "a required tensor is missing";
    case Errc::not_constant: return "a tensor must be constant";
    case Errc::arena_too_small: return "the arena is too small";
    case Errc::storage_too_small: return "the storage for tables is too small";
    case Errc::workspace_too_small: return "the planner's workspace is too small";
    case Errc::misaligned_memory: return "the memory does not start at an aligned address";
    case Errc::bad_argument: return "an argument is out of range";
    case Errc::unknown_target: return "there is no target of this name; compiled in are";
    case Errc::target_not_compiled_in: return "the target is not compiled in; what is";
    case Errc::target_not_runnable: return "this machine cannot run the target; what it can run";
    case Errc::no_target: return "no target that is compiled in can run on this machine";
    case Errc::unknown_profile: return "there is no profile of this name, or it is not compiled in";
    case Errc::unknown_weights: return "weights cannot be kept this way, or it is not compiled in";
  }
  return "unknown error";
}

/// An error code and where it happened. Names point into the model's bytes or into static text, so a Status
/// must not outlive the model.
struct Status {
  Errc code = Errc::ok;
  std::int32_t operator_index = -1;  ///< position in the subgraph's operator list, -1 when not about one
  std::int32_t tensor_index = -1;    ///< position in the subgraph's tensor list, -1 when not about one
  std::string_view operator_name{};  ///< e.g. "CONV_2D"
  std::string_view tensor_name{};
  std::string_view asked{};   ///< what the caller asked for by name
  std::string_view detail{};  ///< static text: which rule was broken
  /// The value found and the limit it broke; both are part of the message when `has_values`.
  std::int64_t actual = 0;
  std::int64_t limit = 0;
  bool has_values = false;

  [[nodiscard]] constexpr bool ok() const noexcept { return code == Errc::ok; }

  /// A failure with a reason in static text.
  static constexpr Status failure(Errc code, std::string_view detail = {}) noexcept {
    Status s;
    s.code = code;
    s.detail = detail;
    return s;
  }
  /// A failure that shows the value found and the limit it broke.
  static constexpr Status failure(Errc code, std::string_view detail, std::int64_t actual,
                                  std::int64_t limit) noexcept {
    Status s = failure(code, detail);
    s.actual = actual;
    s.limit = limit;
    s.has_values = true;
    return s;
  }
  /// The same failure, with the name that the caller gave; as long-lived as the caller's text.
  [[nodiscard]] constexpr Status asking_for(std::string_view name) const noexcept {
    Status s = *this;
    s.asked = name;
    return s;
  }
  /// The same failure, with the tensor named.
  [[nodiscard]] constexpr Status at_tensor(std::int32_t index, std::string_view name) const noexcept {
    Status s = *this;
    s.tensor_index = index;
    s.tensor_name = name;
    return s;
  }
  /// The same failure, with the operator named.
  [[nodiscard]] constexpr Status at_operator(std::int32_t index, std::string_view name) const noexcept {
    Status s = *this;
    s.operator_index = index;
    s.operator_name = name;
    return s;
  }
};

}  // namespace kinglet::inline KINGLET_TARGET
