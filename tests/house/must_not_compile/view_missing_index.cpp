// SPDX-License-Identifier: Apache-2.0
// An element has one index for each dimension.
// expect: no match for call to|no matching function for call to
#include <kinglet/tensor/view.hpp>

#ifdef BREAK
int at(kinglet::TensorView<const int, kinglet::Nhwc> view) {
  return view(0, 1, 2);
}
#else
int at(kinglet::TensorView<const int, kinglet::Nhwc> view) {
  return view(0, 1, 2, 3);
}
#endif
