// SPDX-License-Identifier: Apache-2.0
// A filter that does not fit the image: the message names the layer's template and the input's extents.
// expect: kinglet: a layer does not accept its input.*(Extents<1, 2, 2, 3>.*Conv2D<4|Conv2D<4.*Extents<1, 2, 2, 3>)
#include <kinglet/nn/layers.hpp>
#include <kinglet/nn/sequential.hpp>

using namespace kinglet::nn;
#ifdef BREAK
using Network = Sequential<Input<std::int8_t, 2, 2, 3>, Conv2D<4, square(3).valid()>>;
#else
using Network = Sequential<Input<std::int8_t, 3, 3, 3>, Conv2D<4, square(3).valid()>>;
#endif
static_assert(Network::step_count == 1);
