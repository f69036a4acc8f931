// SPDX-License-Identifier: Apache-2.0
// A rounding policy is one of the library's, whose vector paths are tested.
// expect: constraints not satisfied|constraint not satisfied
#include <kinglet/quant/requantize.hpp>

struct my_rounding : kinglet::double_rounding {};

#ifdef BREAK
int scaled = kinglet::requantize<my_rounding>(1000, kinglet::Multiplier{1 << 30, -3});
#else
int scaled = kinglet::requantize<kinglet::double_rounding>(1000, kinglet::Multiplier{1 << 30, -3});
#endif
