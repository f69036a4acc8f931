// SPDX-License-Identifier: Apache-2.0
// A constant extent is at least 0.
// expect: kinglet: an extent is negative
#include <kinglet/tensor/extents.hpp>

#ifdef BREAK
kinglet::Extents<2, -3> shape;
#else
kinglet::Extents<2, 0> shape;
#endif
