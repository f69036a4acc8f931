// SPDX-License-Identifier: Apache-2.0
// SOFTMAX has no kernel for 16-bit elements.
// expect: kinglet: Softmax is for 8-bit elements
#include <kinglet/nn/layers.hpp>
#include <kinglet/nn/sequential.hpp>

using namespace kinglet::nn;
#ifdef BREAK
using Network = Sequential<Input<std::int16_t, 2, 2, 3>, Softmax>;
#else
using Network = Sequential<Input<std::uint8_t, 2, 2, 3>, Softmax>;
#endif
constexpr auto steps = Network::step_count;
