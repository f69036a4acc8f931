// SPDX-License-Identifier: Apache-2.0
/// @file core/exp.cpp
/// e^x against the C library's, in extended precision.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <kinglet/core/exp.hpp>

using namespace kinglet;

namespace {

// Distance to the exact value in units of the double's last place.
double error_in_ulp(double x) {
  const long double exact = std::exp(static_cast<long double>(x));
  const double found = portable_exp(x);
  const double ulp = std::nextafter(found, std::numeric_limits<double>::infinity()) - found;
  return static_cast<double>(std::abs(static_cast<long double>(found) - exact) / ulp);
}

}  // namespace

TEST_CASE("exp is within one ulp over its whole range") {
  double worst = 0;
  for (double x = -707.5; x < 709.4; x += 0.00701) {
    worst = std::max(worst, error_in_ulp(x));
  }
  for (double x = -20; x <= 0; x += 0.0001) {  // where SOFTMAX looks
    worst = std::max(worst, error_in_ulp(x));
  }
  worst =
      std::max({worst, error_in_ulp(-707.5), error_in_ulp(std::nextafter(709.4, 0.0)), error_in_ulp(1e-300)});
  CHECK(worst < 1.0);
}

TEST_CASE("exp outside its range") {
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(portable_exp(0.0) == 1.0);
  CHECK(portable_exp(-infinity) == 0.0);
  CHECK(portable_exp(std::nextafter(-707.5, -infinity)) == 0.0);
  CHECK(portable_exp(709.4) == infinity);
  CHECK(portable_exp(infinity) == infinity);
  CHECK(std::isnan(portable_exp(std::numeric_limits<double>::quiet_NaN())));
}

TEST_CASE("exp gives the same bits to the compiler and to the program") {
  constexpr std::array xs = {-700.25, -10.7, -1.0, -0.1, 0.3, 1.0, 42.42, 709.3};
  constexpr std::array by_compiler = {portable_exp(xs[0]), portable_exp(xs[1]), portable_exp(xs[2]),
                                      portable_exp(xs[3]), portable_exp(xs[4]), portable_exp(xs[5]),
                                      portable_exp(xs[6]), portable_exp(xs[7])};
  for (std::size_t i = 0; i < xs.size(); ++i) {
    const volatile double x = xs[i];
    CHECK(portable_exp(x) == by_compiler[i]);
  }
}

TEST_CASE("rounded keeps a product from fusing with a sum") {
  // (1 + e)(1 - e) - 1 = -e^2: 0 with two roundings, -2^-60 with one.
  const volatile double a = 1 + 0x1p-30;
  const volatile double b = 1 - 0x1p-30;
  CHECK(rounded(a * b) - 1.0 == 0.0);
  static_assert(rounded(0.1F + 0.2F) == 0.1F + 0.2F);
}
