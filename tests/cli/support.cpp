// SPDX-License-Identifier: Apache-2.0
/// @file support.cpp
#include "support.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

namespace test {
namespace fs = std::filesystem;

Folder::Folder()
    : root_(fs::temp_directory_path() / ("kinglet_cli_" + std::to_string(std::random_device{}()))) {
  fs::create_directories(root_);
}
Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}
std::vector<std::string> Folder::names() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(root_)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool Outcome::is_error(int expected) const {
  return code == expected && out.empty() && err.starts_with("kinglet: error: ") && err.ends_with("\n") &&
         std::count(err.begin(), err.end(), '\n') == 1;
}

Outcome command(const std::vector<std::string>& arguments) {
  const auto quoted = [](const std::string& text) {
    std::string result = "'";
    for (const char c : text) {
      if (c == '\'') {
        result += "'\\''";
      } else {
        result += c;
      }
    }
    result += '\'';
    return result;
  };
  const Folder folder;
  std::string line = quoted(KINGLET_CLI);
  for (const std::string& argument : arguments) {
    line += " " + quoted(argument);
  }
  line += " >" + quoted(folder.path("out")) + " 2>" + quoted(folder.path("err")) + " </dev/null";
  const int status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(folder.path("out")),
          read_text(folder.path("err"))};
}

void write(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
}
void write(const std::string& path, const Bytes& bytes) {
  write(path, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}
std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
Bytes read(const std::string& path) {
  const std::string text = read_text(path);
  const auto* const bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

Bytes random_bytes(std::size_t count, std::uint32_t seed) {
  Bytes bytes(count);
  for (std::byte& byte : bytes) {
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    byte = static_cast<std::byte>(seed >> 24);
  }
  return bytes;
}

Bytes join(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const Bytes& part : parts) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

Bytes copying_model(std::int32_t height, std::int32_t width, std::int32_t channels,
                    kinglet::ElementType type) {
  kinglet::ModelWriter writer;
  const bool quantized = type != kinglet::ElementType::float32;
  const auto tensor = [&](const char* name, std::vector<std::int32_t> shape) {
    return writer.add_tensor(
        {.name = name,
         .type = type,
         .shape = std::move(shape),
         .scales = quantized ? std::vector<float>{0.5F} : std::vector<float>{},
         .zero_points = quantized ? std::vector<std::int64_t>{3} : std::vector<std::int64_t>{}});
  };
  const std::int32_t input = tensor("picture", {1, height, width, channels});
  const std::int32_t output = tensor("copy", {1, height * width * channels});
  const std::vector<std::int32_t> shape{1, height * width * channels};
  writer.add_operator(kinglet::BuiltinOperator::reshape, {input}, {output},
                      kinglet::ReshapeOptions{.new_shape = shape});
  writer.set_inputs({input});
  writer.set_outputs({output});
  return writer.finish();
}

std::string data_folder() {
  const char* const named = std::getenv("KINGLET_DATA");
  const fs::path folder =
      named != nullptr ? fs::path(named) : fs::path(KINGLET_SOURCE_DIR).parent_path() / "shared/data";
  if (!fs::exists(folder / "models")) {
    MESSAGE("skipped: there is no data folder; KINGLET_DATA may name it");
    return {};
  }
  return folder.string();
}

}  // namespace test
