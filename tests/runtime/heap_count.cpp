// SPDX-License-Identifier: Apache-2.0
// Replaces operator new of the whole test program, and malloc where that is possible, by ones that count.
#include "heap_count.hpp"

#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define KINGLET_TEST_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define KINGLET_TEST_SANITIZED
#endif

namespace {
std::uint64_t requests = 0;

void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
  ++requests;
  void* memory = nullptr;
  const std::size_t at_least = alignment < sizeof(void*) ? sizeof(void*) : alignment;
  return posix_memalign(&memory, at_least, bytes == 0 ? 1 : bytes) == 0 ? memory : nullptr;
}
void* allocate_or_stop(std::size_t bytes, std::size_t alignment) noexcept {
  void* const memory = allocate(bytes, alignment);
  if (memory == nullptr) {
    std::abort();
  }
  return memory;
}
constexpr std::size_t usual = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
}  // namespace

std::uint64_t test::heap_requests() {
  return requests;
}

#if defined(__GLIBC__) && !defined(KINGLET_TEST_SANITIZED)
extern "C" void* __libc_malloc(std::size_t bytes);
extern "C" void* malloc(std::size_t bytes) {
  ++requests;
  return __libc_malloc(bytes);
}
#endif

void* operator new(std::size_t n) {
  return allocate_or_stop(n, usual);
}
void* operator new[](std::size_t n) {
  return allocate_or_stop(n, usual);
}
void* operator new(std::size_t n, std::align_val_t a) {
  return allocate_or_stop(n, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t n, std::align_val_t a) {
  return allocate_or_stop(n, static_cast<std::size_t>(a));
}
void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  return allocate(n, usual);
}
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
  return allocate(n, usual);
}
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(n, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(n, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete[](void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}
void operator delete[](void* p, std::size_t) noexcept {
  std::free(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
  std::free(p);
}
void operator delete[](void* p, std::align_val_t) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  std::free(p);
}
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept {
  std::free(p);
}
