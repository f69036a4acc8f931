// SPDX-License-Identifier: Apache-2.0
// Opens a model that is none and reads why.
#include <array>
#include <cstdio>
#include <kinglet/kinglet.hpp>

int main() {
  alignas(16) const std::array<std::byte, 64> bytes{};
  const auto model = kinglet::Model::open(bytes);
  std::array<char, kinglet::message_capacity> text{};
  const std::string_view words = kinglet::message(model.status(), text);
  std::printf("%.*s\n", static_cast<int>(words.size()), words.data());
  return model.status().code == kinglet::Errc::not_a_model ? 0 : 1;
}
