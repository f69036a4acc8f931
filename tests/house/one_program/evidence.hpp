// SPDX-License-Identifier: Apache-2.0
/// @file house/one_program/evidence.hpp
/// What each build of evidence.cpp tells about the library as it sees it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

struct Evidence {
  std::string_view target;
  std::uint64_t checksum;                ///< of what quantization and kernels compute
  std::array<const void*, 4> addresses;  ///< of inline functions and variables
};

// One translation unit each: twice with the flags of the tests, and once for each of two instruction sets.
Evidence first_evidence();
Evidence second_evidence();
Evidence scalar_evidence();
Evidence avx2_evidence();
