// SPDX-License-Identifier: Apache-2.0
// Accumulators belong to quantized elements.
// expect: constraints not satisfied
#include <kinglet/tensor/element.hpp>

#ifdef BREAK
kinglet::accumulator_t<float> sum = 0;
#else
kinglet::accumulator_t<signed char> sum = 0;
#endif
