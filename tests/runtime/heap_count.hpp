// SPDX-License-Identifier: Apache-2.0
/// @file tests/runtime/heap_count.hpp
/// How often this program has asked for heap memory.
#pragma once

#include <cstdint>

namespace test {

/// Calls of operator new in all its forms; with glibc and no sanitizer, of malloc as well.
std::uint64_t heap_requests();

}  // namespace test
