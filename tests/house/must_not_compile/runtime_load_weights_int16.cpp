// SPDX-License-Identifier: Apache-2.0
// Files do not align the 64-bit bias that int16 networks keep by address.
// expect: kinglet: load_weights: int16 networks keep int64 bias
#include <kinglet/nn/layers.hpp>
#include <kinglet/runtime/load_weights.hpp>

using namespace kinglet;
#ifdef BREAK
using T = std::int16_t;
#else
using T = std::int8_t;
#endif
using Small = nn::Network<nn::Sequential<nn::Input<T, 2, 2, 3>, nn::Pointwise<4>>>;
Status load(const Model& model, Small& network) {
  return load_weights(model, network);
}
