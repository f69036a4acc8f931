// SPDX-License-Identifier: Apache-2.0
// A network has a layer.
// expect: kinglet: Sequential needs a layer
#include <kinglet/nn/layers.hpp>
#include <kinglet/nn/sequential.hpp>

using namespace kinglet::nn;
#ifdef BREAK
using Network = Sequential<Input<std::int8_t, 2, 2, 3>>;
#else
using Network = Sequential<Input<std::int8_t, 2, 2, 3>, Softmax>;
#endif
constexpr auto steps = Network::step_count;
