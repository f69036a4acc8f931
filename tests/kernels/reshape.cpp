// SPDX-License-Identifier: Apache-2.0
/// @file kernels/reshape.cpp
/// RESHAPE copies bytes, or does nothing.
#include <doctest/doctest.h>

#include <array>
#include <kinglet/kernels/reshape/generic.hpp>

using namespace kinglet;

TEST_CASE_TEMPLATE("RESHAPE copies unless it is in place", Kernel, reshape::Reference, reshape::Generic) {
  constexpr std::byte a{1};
  constexpr std::byte b{2};
  constexpr std::byte guard{9};
  const std::array<std::byte, 3> input{a, b, a};
  std::array<std::byte, 4> output{guard, guard, guard, guard};
  Kernel::run(input.data(), output.data(), 3);
  CHECK(output == std::array<std::byte, 4>{a, b, a, guard});
  Kernel::run(output.data(), output.data(), 4);
  CHECK(output == std::array<std::byte, 4>{a, b, a, guard});
  Kernel::run(nullptr, nullptr, 0);
}
