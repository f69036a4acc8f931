// SPDX-License-Identifier: Apache-2.0
/// @file core/message.hpp
/// A Status as one line of text, written into the caller's characters. Nothing is printed or allocated.
#pragma once

#include <kinglet/core/status.hpp>
#include <span>

namespace kinglet::inline KINGLET_TARGET {

/// Appends text to a fixed buffer; what does not fit is cut off.
class TextBuffer {
 public:
  constexpr explicit TextBuffer(std::span<char> buffer) noexcept : buffer_(buffer) {}

  constexpr TextBuffer& operator<<(std::string_view text) noexcept {
    for (const char c : text) {
      put(c);
    }
    return *this;
  }
  constexpr TextBuffer& operator<<(std::int64_t value) noexcept {
    char digits[20] = {};
    int count = 0;
    std::uint64_t rest =
        value < 0 ? 0U - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    do {
      digits[count++] = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest != 0);
    if (value < 0) {
      put('-');
    }
    while (count > 0) {
      put(digits[--count]);
    }
    return *this;
  }
  /// At most `limit` characters of a name from a file: control characters become '?', so that a message stays
  /// one line.
  constexpr TextBuffer& name(std::string_view name, std::size_t limit) noexcept {
    for (const char c : name.substr(0, limit)) {
      put(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c);
    }
    return name.size() > limit ? *this << "..." : *this;
  }
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {buffer_.data(), size_}; }

 private:
  constexpr void put(char c) noexcept {
    if (size_ < buffer_.size()) {
      buffer_[size_++] = c;
    }
  }
  std::span<char> buffer_;
  std::size_t size_ = 0;
};

/// Characters that hold every message whose detail has 200 characters or less.
inline constexpr std::size_t message_capacity = 512;

/// "operator 3 CONV_2D, tensor 17 'conv1/weights': a shape is invalid ...: <detail> (found 4, limit 3)".
/// A shorter buffer than `message_capacity` may cut the text.
constexpr std::string_view message(const Status& status, std::span<char> buffer) noexcept {
  TextBuffer text(buffer);
  if (status.operator_index >= 0) {
    text << "operator " << status.operator_index << " ";
    text.name(status.operator_name, 40) << (status.tensor_index >= 0 ? ", " : ": ");
  }
  if (status.tensor_index >= 0) {
    text << "tensor " << status.tensor_index << " '";
    text.name(status.tensor_name, 80) << "': ";
  }
  if (!status.asked.empty()) {
    text << "'";
    text.name(status.asked, 40) << "': ";
  }
  text << sentence(status.code);
  if (!status.detail.empty()) {
    text << ": " << status.detail;
  }
  if (status.has_values) {
    text << " (found " << status.actual << ", limit " << status.limit << ")";
  }
  return text.view();
}

}  // namespace kinglet::inline KINGLET_TARGET
