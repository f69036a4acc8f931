// SPDX-License-Identifier: Apache-2.0
/// @file support/machine.hpp
/// The processor's name, and files.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace bench {

/// As /proc/cpuinfo calls it.
inline std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string family;
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) {
      continue;
    }
    if (line.starts_with("cpu family")) {
      family = line.substr(colon + 2);
    }
    if (line.starts_with("model name")) {
      return line.substr(colon + 2) + (family.empty() ? "" : " (family " + family + ")");
    }
  }
  return "unknown processor";
}

/// A whole file; the memory is aligned as a model's must be. Empty when unreadable.
inline std::vector<std::byte> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<std::byte> bytes(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    bytes[i] = static_cast<std::byte>(text[i]);
  }
  return bytes;
}

/// The folder of real models, if there is one: $KINGLET_DATA, or ../shared/data beside the sources.
inline std::optional<std::filesystem::path> models_folder() {
  const char* const given = std::getenv("KINGLET_DATA");
  const std::filesystem::path data = given != nullptr
                                         ? std::filesystem::path(given)
                                         : std::filesystem::path(KINGLET_SOURCE_DIR) / "../shared/data";
  return std::filesystem::is_directory(data / "models") ? std::optional(data / "models") : std::nullopt;
}

}  // namespace bench
