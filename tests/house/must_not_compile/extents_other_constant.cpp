// SPDX-License-Identifier: Apache-2.0
// Constants that differ do not convert into each other.
// expect: no matching function|no viable conversion|conversion from .* requested|could not convert
#include <kinglet/tensor/extents.hpp>

#ifdef BREAK
kinglet::Extents<1, 8, 8, 4> shape = kinglet::Extents<1, 8, 8, 3>{};
#else
kinglet::Nhwc shape = kinglet::Extents<1, 8, 8, 3>{};
#endif
