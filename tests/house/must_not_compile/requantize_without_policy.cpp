// SPDX-License-Identifier: Apache-2.0
// Rounding has no default.
// expect: no matching function for call to .*requantize
#include <kinglet/quant/requantize.hpp>

#ifdef BREAK
int scaled = kinglet::requantize(1000, kinglet::Multiplier{1 << 30, -3});
#else
int scaled = kinglet::requantize<kinglet::double_rounding>(1000, kinglet::Multiplier{1 << 30, -3});
#endif
