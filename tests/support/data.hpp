// SPDX-License-Identifier: Apache-2.0
/// @file support/data.hpp
/// Real models and golden outputs, where a machine has them: $KINGLET_DATA, or ../shared/data beside the sources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace test {

/// The data folder, or nothing.
inline std::optional<std::filesystem::path> data_folder() {
  const char* const given = std::getenv("KINGLET_DATA");
  const std::filesystem::path folder = given != nullptr
                                           ? std::filesystem::path(given)
                                           : std::filesystem::path(KINGLET_SOURCE_DIR) / "../shared/data";
  return std::filesystem::exists(folder / "golden/MANIFEST.tsv") ? std::optional(folder) : std::nullopt;
}

/// A whole file. The vector's memory is aligned to 16 bytes, as a model's must be. Empty when unreadable.
inline std::vector<std::byte> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<std::byte> bytes(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    bytes[i] = static_cast<std::byte>(text[i]);
  }
  return bytes;
}

/// Rows of a tab-separated file, the heading left out.
inline std::vector<std::vector<std::string>> read_table(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<std::vector<std::string>> rows;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::vector<std::string> row;
    for (std::string field; std::getline(fields, field, '\t');) {
      row.push_back(field);
    }
    rows.push_back(row);
  }
  return rows;
}

/// The data's pseudo-random input "@rand<seed>": xorshift32, the top byte of each state.
inline std::vector<std::byte> xorshift_bytes(std::uint32_t seed, std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::byte& b : bytes) {
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    b = static_cast<std::byte>(seed >> 24);
  }
  return bytes;
}

}  // namespace test
