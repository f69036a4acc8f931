// SPDX-License-Identifier: Apache-2.0
/// @file dump.cpp
#include "dump.hpp"

#include <algorithm>
#include <filesystem>

#include "failure.hpp"
#include "text.hpp"

namespace cli {
namespace {

/// The operator's name as part of a file name: a custom operator may be called anything.
std::string file_name(const kinglet::OperatorInfo& op) {
  std::string name(op.name.substr(0, 80));
  for (char& c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
    c = plain ? c : '_';
  }
  return format("%03d_", op.index) + name + ".bin";
}

std::string index_row(const kinglet::Model& model, const kinglet::OperatorInfo& op) {
  const kinglet::TensorInfo tensor = model.tensor(op.outputs[0]);
  return std::to_string(op.index) + "\t" + one_line(op.name) + "\t" + std::to_string(tensor.index) + "\t" +
         std::string(tensor.type_name) + "\t" + shape_list(tensor.shape) + "\t" +
         std::to_string(tensor.bytes()) + "\t" + file_name(op) + "\n";
}

}  // namespace

Dump::Dump(const std::string& directory, const kinglet::Model& model) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    throw Failure("cannot make the directory '" + directory + "': " + error.message());
  }
  const std::filesystem::path base(directory);
  std::string index = "operator\tname\ttensor\ttype\tshape\tbytes\tfile\n";
  for (std::int32_t i = 0; i < model.operator_count(); ++i) {
    files_.emplace_back((base / file_name(model.op(i))).string());
    index += index_row(model, model.op(i));
  }
  files_.emplace_back((base / "index.tsv").string());
  files_.back().write(index);
}

void Dump::commit() {
  for (OutputFile& file : files_) {
    file.commit();
  }
}

}  // namespace cli
