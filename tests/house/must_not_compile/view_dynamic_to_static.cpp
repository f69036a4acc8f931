// SPDX-License-Identifier: Apache-2.0
// A run-time shape becomes constants only where the code says so.
// expect: no viable conversion|conversion from .* requested|could not convert
#include <kinglet/tensor/view.hpp>

using Static = kinglet::TensorView<int, kinglet::Extents<1, 8, 8, 3>>;
using Dynamic = kinglet::TensorView<int, kinglet::Nhwc>;

#ifdef BREAK
Static promise(Dynamic view) {
  return view;
}
#else
Static promise(Dynamic view) {
  return Static(view);
}
#endif
