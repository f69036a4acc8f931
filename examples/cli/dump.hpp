// SPDX-License-Identifier: Apache-2.0
/// @file dump.hpp
/// Every operator's output, as files.
#pragma once

#include <kinglet/model/model.hpp>
#include <string>
#include <vector>

#include "files.hpp"

namespace cli {

/// `NNN_NAME.bin` for every operator and an `index.tsv`, in a directory that is made when there is none.
class Dump {
 public:
  Dump(const std::string& directory, const kinglet::Model& model);
  /// The next sample's output of an operator.
  void write(std::int32_t op, std::span<const std::byte> output) {
    files_[static_cast<std::size_t>(op)].write(output);
  }
  /// Gives all files their names, the index last.
  void commit();

 private:
  std::vector<OutputFile> files_;
};

}  // namespace cli
