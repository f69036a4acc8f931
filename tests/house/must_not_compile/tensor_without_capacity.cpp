// SPDX-License-Identifier: Apache-2.0
// A tensor whose shape is known at run time needs room that is known before.
// expect: kinglet: Tensor: a shape with dynamic extents needs a Capacity
#include <kinglet/tensor/tensor.hpp>

#ifdef BREAK
kinglet::Tensor<int, kinglet::Nhwc> tensor;
#else
kinglet::Tensor<int, kinglet::Nhwc, 64> tensor;
#endif
