// SPDX-License-Identifier: Apache-2.0
/// @file support/typed_network.cpp
/// A program's share of a typed MobileNetV2: what `compile_time` compiles.
#include <kinglet/nn/mobilenet_v2.hpp>
#include <kinglet/nn/network.hpp>

using Network = kinglet::nn::Network<kinglet::nn::MobileNetV2<100, 224, 1000>>;

kinglet::Status prepare(Network& network) {
  return network.prepare();
}
void run(const Network& network, Network::ArenaSpan arena) {
  network.run(arena);
}
