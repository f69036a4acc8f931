// SPDX-License-Identifier: Apache-2.0
/// @file runtime/require.hpp
/// Checks that operators have in common. The first failure sticks and names operator and tensor; what follows it
/// is not looked at, so that `require.rank(t, 4, 4).extent(t, 3, channels)` is safe on a tensor of rank 2.
#pragma once

#include <cstring>
#include <kinglet/runtime/preparation.hpp>
#include <kinglet/tensor/extents.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// How many tensors an operator takes; inputs from `required` on may be absent.
struct Arity {
  std::size_t required;
  std::size_t inputs;
};

class Require {
 public:
  explicit Require(const Preparation& p) noexcept : p_(p) {}

  [[nodiscard]] bool ok() const noexcept { return status_.ok(); }
  [[nodiscard]] const Status& status() const noexcept { return status_; }

  /// One output that is not a constant, and inputs as stated, none of which is kept from run to run: the operators
  /// here have no state, and nothing would keep it. Check it before taking any tensor.
  Require& arity(Arity arity) noexcept {
    const auto& info = p_.info();
    if (info.inputs.size() > arity.inputs) {
      return fail(p_.fail(Errc::unsupported_operator, "more inputs than this operator is known to take"));
    }
    if (info.outputs.size() != 1) {
      return fail(p_.fail(Errc::missing_tensor, "the operator must have one output"));
    }
    for (std::size_t k = 0; k < arity.required; ++k) {
      if (!p_.has_input(k)) {
        return fail(p_.fail(Errc::missing_tensor, "a required input is absent"));
      }
    }
    for (std::size_t k = 0; k < info.inputs.size() && ok(); ++k) {
      if (p_.has_input(k)) {
        that(!p_.input(k).is_variable, p_.input(k), Errc::unsupported_model, "a variable tensor");
      }
    }
    return *this;
  }

  Require& type(const TensorInfo& tensor, ElementType expected) noexcept {
    return that(tensor.type == expected, tensor, Errc::unsupported_type, tensor.type_name);
  }

  /// One scale and zero point for the whole tensor. The file's verification looks at scales of 8-bit and 16-bit
  /// tensors only, so that of an int32 one may be any number until here.
  Require& per_tensor(const TensorInfo& tensor) noexcept {
    compare(tensor.scale.size() == 1, tensor, Errc::bad_quantization, "one scale is needed",
            static_cast<std::int64_t>(tensor.scale.size()), 1);
    return that(is_scale(tensor.per_tensor().scale), tensor, Errc::bad_quantization,
                "the scale is not a finite positive number");
  }

  Require& rank(const TensorInfo& tensor, std::size_t least, std::size_t most) noexcept {
    const std::size_t found = tensor.shape.size();
    compare(found >= least, tensor, Errc::bad_shape, "the rank is too low", static_cast<std::int64_t>(found),
            static_cast<std::int64_t>(least));
    return compare(found <= most, tensor, Errc::bad_shape, "the rank is too high",
                   static_cast<std::int64_t>(found), static_cast<std::int64_t>(most));
  }

  /// One extent of a tensor equals what the operator computes.
  Require& extent(const TensorInfo& tensor, std::size_t dimension, std::int64_t expected) noexcept {
    constexpr std::string_view details[] = {"extent 0 differs from what the operator computes",
                                            "extent 1 differs from what the operator computes",
                                            "extent 2 differs from what the operator computes",
                                            "extent 3 differs from what the operator computes"};
    return !ok() ? *this
                 : compare(tensor.shape[dimension] == expected, tensor, Errc::bad_shape,
                           details[dimension & 3], tensor.shape[dimension], expected);
  }

  /// The number of elements equals what the operator computes.
  Require& elements(const TensorInfo& tensor, std::size_t expected) noexcept {
    return compare(tensor.elements() == expected, tensor, Errc::bad_shape, "wrong number of elements",
                   static_cast<std::int64_t>(tensor.elements()), static_cast<std::int64_t>(expected));
  }

  /// An int32 or int64 constant.
  Require& constant_integers(const TensorInfo& tensor) noexcept {
    that(!tensor.constant.empty(), tensor, Errc::not_constant, "the operator needs it when loading");
    return that(tensor.type == ElementType::int32 || tensor.type == ElementType::int64, tensor,
                Errc::unsupported_type, tensor.type_name);
  }

  /// Any other rule about a tensor.
  Require& that(bool holds, const TensorInfo& tensor, Errc code, std::string_view detail) noexcept {
    return holds || !ok() ? *this : fail(p_.fail(tensor, code, detail));
  }
  /// Any other rule about an option; `limit` is what it breaks.
  Require& option(bool holds, std::string_view detail, std::int64_t found, std::int64_t limit) noexcept {
    return holds || !ok() ? *this
                          : fail(Status::failure(Errc::bad_option, detail, found, limit)
                                     .at_operator(p_.info().index, p_.info().name));
  }

 private:
  Require& fail(const Status& status) noexcept {
    if (ok()) {
      status_ = status;
    }
    return *this;
  }
  Require& compare(bool holds, const TensorInfo& tensor, Errc code, std::string_view detail,
                   std::int64_t found, std::int64_t limit) noexcept {
    return holds || !ok() ? *this : fail(p_.fail(tensor, Status::failure(code, detail, found, limit)));
  }

  const Preparation& p_;
  Status status_{};
};

/// A shape of rank 4 or less as four extents, ones in front.
inline Nhwc as_nhwc(std::span<const std::int32_t> shape) noexcept {
  std::int32_t extents[4] = {1, 1, 1, 1};
  for (std::size_t i = 0; i < shape.size() && i < 4; ++i) {
    extents[4 - shape.size() + i] = shape[i];
  }
  return Nhwc{extents[0], extents[1], extents[2], extents[3]};
}

/// One image: 1 H W C.
inline bool is_image(const TensorInfo& tensor) noexcept {
  return tensor.shape.size() == 4 && tensor.shape[0] == 1;
}

/// Element i of a constant int32 or int64 tensor, saturated to 32 bits; constants may be aligned to 4 bytes only.
inline std::int32_t constant_integer(const TensorInfo& tensor, std::size_t i) noexcept {
  if (tensor.type == ElementType::int64) {
    std::int64_t value = 0;
    std::memcpy(&value, tensor.constant.data() + i * sizeof value, sizeof value);
    constexpr std::int64_t limit = 0x7fffffff;
    return static_cast<std::int32_t>(value > limit ? limit : value < -limit ? -limit : value);
  }
  std::int32_t value = 0;
  std::memcpy(&value, tensor.constant.data() + i * sizeof value, sizeof value);
  return value;
}

}  // namespace kinglet::inline KINGLET_TARGET
