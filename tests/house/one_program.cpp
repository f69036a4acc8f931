// SPDX-License-Identifier: Apache-2.0
/// @file house/one_program.cpp
/// Translation units that include the whole library link into one program: those built alike share its functions,
/// those built for different instruction sets do not, and all compute the same.
#include <doctest/doctest.h>

#include "one_program/evidence.hpp"

TEST_CASE("two units built alike share every inline function and variable") {
  const Evidence first = first_evidence();
  const Evidence second = second_evidence();
  CHECK(first.target == second.target);
  CHECK(first.checksum == second.checksum);
  CHECK(first.addresses == second.addresses);
}

#if defined(KINGLET_HOUSE_X86)
TEST_CASE("units built for different instruction sets share nothing and compute the same") {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2")) {
    MESSAGE("skipped: this processor has no AVX2, FMA and BMI2");
    return;
  }
  const Evidence scalar = scalar_evidence();
  const Evidence avx2 = avx2_evidence();
  CHECK(scalar.target == "scalar");
  CHECK(avx2.target == "avx2");
  CHECK(scalar.checksum == avx2.checksum);
  CHECK(scalar.checksum == first_evidence().checksum);
  for (std::size_t i = 0; i < scalar.addresses.size(); ++i) {
    CHECK(scalar.addresses[i] != avx2.addresses[i]);
  }
}
#endif
