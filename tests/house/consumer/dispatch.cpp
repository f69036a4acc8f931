// SPDX-License-Identifier: Apache-2.0
// The best target of this machine; then one that no machine has.
#include <cstdio>
#include <kinglet/core/message.hpp>
#include <kinglet/dispatch/backend.hpp>

int main() {
  const auto best = kinglet::Backend::choose();
  if (!best || best->profile() != "tflm" || best->kernels().empty()) {
    return 1;
  }
  const auto none = kinglet::Backend::choose({.target = "abacus"});
  char text[kinglet::message_capacity];
  const std::string_view words = kinglet::message(none.status(), text);
  std::printf("%.*s\n", static_cast<int>(words.size()), words.data());
  return none.status().code == kinglet::Errc::unknown_target ? 0 : 1;
}
