// SPDX-License-Identifier: Apache-2.0
/// @file model_file.hpp
/// A model in memory, read from a file or generated.
#pragma once

#include <kinglet/model/model.hpp>
#include <string>

#include "files.hpp"

namespace cli {

class ModelFile {
 public:
  /// A Failure when the file cannot be read or is no valid model.
  static ModelFile read(const std::string& path);
  /// The generated MobileNetV2 1.0/224.
  static ModelFile generated();
  /// `path`, or the generated model when it is empty.
  static ModelFile read_or_generate(const std::string& path) {
    return path.empty() ? generated() : read(path);
  }

  [[nodiscard]] const kinglet::Model& model() const noexcept { return model_; }
  /// The path, or words for the generated model.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool is_generated() const noexcept { return generated_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_.view(); }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.view().size(); }

 private:
  ModelFile(std::string name, AlignedBytes bytes, const kinglet::Model& model)
      : name_(std::move(name)), bytes_(std::move(bytes)), model_(model) {}
  std::string name_;
  AlignedBytes bytes_;
  kinglet::Model model_;
  bool generated_ = false;
};

/// Refers to a model whose operators cannot all run: the first one, and how many more.
std::string describe_unsupported(const ModelFile& file, const kinglet::Status& first, std::size_t count);

}  // namespace cli
