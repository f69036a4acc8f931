// SPDX-License-Identifier: Apache-2.0
/// @file core/rounded.hpp
/// Floating-point results that are the same on every machine.
#pragma once

#include <concepts>
#include <kinglet/core/config.hpp>
#include <type_traits>

namespace kinglet::inline KINGLET_TARGET {

/// `value`, rounded to F by itself. Compilers may evaluate a * b + c with one rounding or in a wider format;
/// `rounded(a * b) + c` has two, in F. The library is headers, so it cannot rely on -ffp-contract=off.
/// Costs a store and a load: not for inner loops.
template <std::floating_point F>
constexpr F rounded(F value) noexcept {
  if (std::is_constant_evaluated()) {
    return value;
  }
  const volatile F stored = value;
  return stored;
}

}  // namespace kinglet::inline KINGLET_TARGET
