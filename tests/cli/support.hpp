// SPDX-License-Identifier: Apache-2.0
/// @file support.hpp
/// Runs the command and looks at what it leaves behind.
#pragma once

#include <cstdint>
#include <filesystem>
#include <kinglet/model/writer.hpp>
#include <string>
#include <vector>

namespace test {

using Bytes = std::vector<std::byte>;

/// A directory of its own for one test case, removed at its end.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();
  [[nodiscard]] std::string path(const std::string& name) const { return (root_ / name).string(); }
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::filesystem::path root_;
};

struct Outcome {
  int code = -1;
  std::string out{};
  std::string err{};
  /// Nothing on stdout, one line on stderr that begins as all errors do, and this exit code.
  [[nodiscard]] bool is_error(int expected) const;
};

/// Every argument is passed as it is.
Outcome command(const std::vector<std::string>& arguments);

void write(const std::string& path, const Bytes& bytes);
void write(const std::string& path, const std::string& text);
Bytes read(const std::string& path);
std::string read_text(const std::string& path);

/// Bytes of xorshift32 from a seed.
Bytes random_bytes(std::size_t count, std::uint32_t seed);
Bytes join(const std::vector<Bytes>& parts);

/// Copies its input, so that outputs show what was fed: RESHAPE of a picture to a list.
Bytes copying_model(std::int32_t height, std::int32_t width, std::int32_t channels,
                    kinglet::ElementType type = kinglet::ElementType::int8);

/// The shared folder of models and pictures; empty, with a message, when it is not there.
std::string data_folder();

}  // namespace test
