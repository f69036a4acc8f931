// SPDX-License-Identifier: Apache-2.0
// A view of constants does not become a view to write through.
// expect: no viable conversion|conversion from .* requested|could not convert
#include <kinglet/tensor/view.hpp>

using Shape = kinglet::Extents<2, 2>;

#ifdef BREAK
kinglet::TensorView<int, Shape> copy(kinglet::TensorView<const int, Shape> view) {
  return view;
}
#else
kinglet::TensorView<const int, Shape> copy(kinglet::TensorView<const int, Shape> view) {
  return view;
}
#endif
