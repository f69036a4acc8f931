// SPDX-License-Identifier: Apache-2.0
/// @file files.cpp
#include "files.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>
#include <utility>

#include "failure.hpp"
#include "text.hpp"

namespace cli {
namespace fs = std::filesystem;

namespace {

struct Close {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

/// Bytes kept in memory before a file is opened again: hundreds of files are written side by side when every
/// operator's output is dumped, more than a process may hold open.
constexpr std::size_t buffered_bytes = std::size_t{1} << 20;

std::string reason() {
  return std::strerror(errno);
}

}  // namespace

AlignedBytes::AlignedBytes(std::span<const std::byte> bytes)
    : data_(static_cast<std::byte*>(::operator new (bytes.size() + 1, std::align_val_t{64}))),
      size_(bytes.size()) {
  if (!bytes.empty()) {
    std::memcpy(data_.get(), bytes.data(), bytes.size());
  }
}

std::vector<std::byte> read_file(const std::string& path, std::size_t limit) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    throw Failure("cannot read '" + path + "': it is a directory");
  }
  const File file(std::fopen(path.c_str(), "rb"));
  if (!file) {
    throw Failure("cannot read '" + path + "': " + reason());
  }
  // As much as the file says it has, and one byte to see its end; pipes say nothing and grow.
  const std::uintmax_t size = fs::file_size(path, ignored);
  std::vector<std::byte> bytes;
  std::size_t used = 0;
  for (;;) {
    const std::size_t more =
        used == 0 && !ignored && size < limit ? static_cast<std::size_t>(size) + 1 : used;
    bytes.resize(used + std::max(more, std::size_t{1} << 16));
    const std::size_t count = std::fread(bytes.data() + used, 1, bytes.size() - used, file.get());
    used += count;
    if (std::ferror(file.get()) != 0) {
      throw Failure("cannot read '" + path + "': " + reason());
    }
    if (used > limit) {
      throw Failure("cannot read '" + path + "': it has more than " + std::to_string(limit) + " bytes");
    }
    if (count == 0) {
      bytes.resize(used);
      return bytes;
    }
  }
}

OutputFile::OutputFile(std::string path) : path_(std::move(path)), target_(path_) {
  std::error_code error;
  const fs::file_status status = fs::status(path_, error);
  if (fs::is_directory(status)) {
    throw Failure("cannot write '" + path_ + "': it is a directory");
  }
  if (fs::exists(status)) {
    // An existing file must be writable by itself: a rename would ask its directory only.
    if (!File(std::fopen(path_.c_str(), fs::is_regular_file(status) ? "r+b" : "wb"))) {
      fail();
    }
    if (!fs::is_regular_file(status)) {
      written_ = path_;
      return;
    }
    const fs::path real = fs::canonical(path_, error);
    target_ = error ? path_ : real.string();
  }
  written_ = target_ + format(".%08x.part", std::random_device{}());
  if (!File(std::fopen(written_.c_str(), "wbx"))) {
    fail();
  }
  temporary_ = true;
  if (fs::exists(status)) {
    fs::permissions(written_, status.permissions(), error);
  }
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      written_(std::move(other.written_)),
      pending_(std::move(other.pending_)),
      temporary_(std::exchange(other.temporary_, false)) {}

OutputFile::~OutputFile() {
  if (temporary_) {
    std::error_code ignored;
    fs::remove(written_, ignored);
  }
}

void OutputFile::write(std::span<const std::byte> bytes) {
  pending_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (pending_.size() >= buffered_bytes) {
    flush();
  }
}

void OutputFile::flush() {
  File file(std::fopen(written_.c_str(), "ab"));
  if (!file || std::fwrite(pending_.data(), 1, pending_.size(), file.get()) != pending_.size() ||
      std::fclose(file.release()) != 0) {
    fail();
  }
  pending_.clear();
}

void OutputFile::commit() {
  flush();
  if (temporary_) {
    if (std::rename(written_.c_str(), target_.c_str()) != 0) {
      fail();
    }
    temporary_ = false;
  }
}

void OutputFile::fail() const {
  throw Failure("cannot write '" + path_ + "': " + reason());
}

}  // namespace cli
