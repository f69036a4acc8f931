// SPDX-License-Identifier: Apache-2.0
// A shape takes one value for each run-time extent.
// expect: no matching (function for call to|constructor for initialization of)
#include <kinglet/tensor/extents.hpp>

using Shape = kinglet::Extents<1, kinglet::dynamic_extent, kinglet::dynamic_extent, 3>;

#ifdef BREAK
Shape shape{7};
#else
Shape shape{7, 9};
#endif
