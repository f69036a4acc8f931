// SPDX-License-Identifier: Apache-2.0
/// @file files.hpp
/// Files in and out: read whole, written whole or not at all.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

/// Bytes that start at a multiple of 64: models want 8, and their constants load best from whole cache lines.
class AlignedBytes {
 public:
  AlignedBytes() = default;
  explicit AlignedBytes(std::span<const std::byte> bytes);
  [[nodiscard]] std::span<const std::byte> view() const noexcept { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* p) const noexcept { ::operator delete (p, std::align_val_t{64}); }
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_ = 0;
};

/// A file's bytes; a Failure that names it and the reason. @param limit more bytes than that are a Failure
std::vector<std::byte> read_file(const std::string& path, std::size_t limit);

/// A file that appears under its name only when it is complete: written next to it and renamed by `commit()`,
/// removed if that is never called. Devices and pipes are written in place.
class OutputFile {
 public:
  explicit OutputFile(std::string path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void commit();
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  void flush();
  [[noreturn]] void fail() const;

  std::string path_;     ///< as given, for messages
  std::string target_;   ///< behind symbolic links
  std::string written_;  ///< temporary name; the target itself if that is no regular file
  std::string pending_;
  bool temporary_ = false;
};

}  // namespace cli
