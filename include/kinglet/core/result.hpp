// SPDX-License-Identifier: Apache-2.0
/// @file core/result.hpp
/// A value or the Status that says why there is none.
#pragma once

#include <kinglet/core/status.hpp>
#include <optional>
#include <utility>

namespace kinglet::inline KINGLET_TARGET {

template <class T>
class [[nodiscard]] Result {
 public:
  constexpr Result(T value) : value_(std::move(value)) {}                 // NOLINT: implicit by intent
  constexpr Result(const Status& failure) noexcept : status_(failure) {}  // NOLINT: implicit by intent

  constexpr explicit operator bool() const noexcept { return value_.has_value(); }
  [[nodiscard]] constexpr bool ok() const noexcept { return value_.has_value(); }
  /// Errc::ok when there is a value.
  [[nodiscard]] constexpr const Status& status() const noexcept { return status_; }

  /// Precondition: ok().
  constexpr T& operator*() & noexcept { return *value_; }
  constexpr const T& operator*() const& noexcept { return *value_; }
  constexpr T&& operator*() && noexcept { return std::move(*value_); }
  constexpr T* operator->() noexcept { return &*value_; }
  constexpr const T* operator->() const noexcept { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_{};
};

}  // namespace kinglet::inline KINGLET_TARGET
