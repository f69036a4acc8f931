// SPDX-License-Identifier: Apache-2.0
/// @file support/guarded.hpp
/// Memory with a forbidden page behind it: a step beyond the last element ends the program, whichever instruction
/// takes it and with no sanitizer's help.
#pragma once

#include "support/random.hpp"

#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <type_traits>

namespace test {

/// As Misaligned, which it can take the place of; where elements end decides where they start.
template <class T>
class Guarded {
 public:
  explicit Guarded(std::size_t count, std::size_t = 0) : size_(count) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t room = (count * sizeof(T) + page - 1) / page * page;
    bytes_ = room + page;
    void* const all = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED || ::mprotect(static_cast<char*>(all) + room, page, PROT_NONE) != 0) {
      std::abort();
    }
    pages_ = static_cast<char*>(all);
    // What kernels ask for as bytes is promised to be aligned, other memory only to its elements.
    const std::size_t alignment = std::is_same_v<T, std::byte> ? 16 : sizeof(T);
    data_ = reinterpret_cast<T*>(pages_ + (room - count * sizeof(T)) / alignment * alignment);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() { ::munmap(pages_, bytes_); }

  [[nodiscard]] T* data() { return data_; }
  [[nodiscard]] const T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  T* begin() { return data(); }
  T* end() { return data() + size(); }

 private:
  std::size_t size_;
  std::size_t bytes_ = 0;
  char* pages_ = nullptr;
  T* data_ = nullptr;
};

}  // namespace test

#else

namespace test {
template <class T>
using Guarded = Misaligned<T>;
}

#endif
