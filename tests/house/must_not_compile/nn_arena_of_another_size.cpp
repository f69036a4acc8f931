// SPDX-License-Identifier: Apache-2.0
// A network runs in an arena of its own size.
// expect: (could not convert|cannot convert|no matching|no viable conversion).*span
#include <kinglet/nn/layers.hpp>
#include <kinglet/nn/network.hpp>

using namespace kinglet::nn;
using Small = Network<Sequential<Input<std::int8_t, 4, 4, 3>, Mean>>;
#ifdef BREAK
constexpr std::size_t bytes = Small::arena_bytes - 1;
#else
constexpr std::size_t bytes = Small::arena_bytes;
#endif
void run(const Small& network, std::span<std::byte, bytes> arena) {
  network.run(arena);
}
