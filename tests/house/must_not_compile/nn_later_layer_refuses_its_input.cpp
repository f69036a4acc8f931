// SPDX-License-Identifier: Apache-2.0
// A layer behind others sees the shape that they make: two pools leave 1x1 of 4x4.
// expect: kinglet: a layer does not accept its input.*Extents<1, 1, 1, 3>
#include <kinglet/nn/layers.hpp>
#include <kinglet/nn/sequential.hpp>

using namespace kinglet::nn;
using Half = MaxPool2D<square(2, 2).valid()>;
#ifdef BREAK
using Network = Sequential<Input<std::int8_t, 4, 4, 3>, Half, Half, Half>;
#else
using Network = Sequential<Input<std::int8_t, 4, 4, 3>, Half, Half>;
#endif
static_assert(Network::macs == 0);
