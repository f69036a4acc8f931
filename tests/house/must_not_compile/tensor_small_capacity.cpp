// SPDX-License-Identifier: Apache-2.0
// A tensor has room for its own shape.
// expect: kinglet: Tensor: Capacity is smaller than the static shape
#include <kinglet/tensor/tensor.hpp>

#ifdef BREAK
kinglet::Tensor<int, kinglet::Extents<4, 4>, 15> tensor;
#else
kinglet::Tensor<int, kinglet::Extents<4, 4>, 16> tensor;
#endif
