// SPDX-License-Identifier: Apache-2.0
/// @file tests/runtime/guarded_bytes.hpp
/// Memory that ends, or begins, where the program may not read or write.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <span>

namespace test {

enum class Guard { behind, in_front };

/// `size` bytes of noise between two forbidden pages: the last byte touches the one behind, or the first byte the
/// one in front.
class GuardedBytes {
 public:
  GuardedBytes(std::size_t size, Guard side) : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    const std::size_t room = (size + page_ - 1) / page_ * page_;
    length_ = room + 2 * page_;
    void* const start = mmap(nullptr, length_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
      std::abort();
    }
    start_ = static_cast<std::byte*>(start);
    if (room != 0 && mprotect(start_ + page_, room, PROT_READ | PROT_WRITE) != 0) {
      std::abort();
    }
    bytes_ = {start_ + page_ + (side == Guard::behind ? room - size : 0), size};
    for (std::size_t i = 0; i < size; ++i) {
      bytes_[i] = static_cast<std::byte>(i * 151 + 7);
    }
  }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;
  ~GuardedBytes() { munmap(start_, length_); }

  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::size_t page_;
  std::size_t length_ = 0;
  std::byte* start_ = nullptr;
  std::span<std::byte> bytes_;
};

}  // namespace test
