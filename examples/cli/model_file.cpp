// SPDX-License-Identifier: Apache-2.0
/// @file model_file.cpp
#include "model_file.hpp"

#include "failure.hpp"

namespace cli {

ModelFile ModelFile::read(const std::string& path) {
  // FlatBuffers' offsets are 31 bits.
  AlignedBytes bytes(read_file(path, 0x7fffffff));
  const auto model = kinglet::Model::open(bytes.view());
  if (!model) {
    throw Failure("cannot use '" + path + "': " + text_of(model.status()));
  }
  return {path, std::move(bytes), *model};
}

std::string describe_unsupported(const ModelFile& file, const kinglet::Status& first, std::size_t count) {
  std::string text = "cannot run '" + file.name() + "': " + text_of(first);
  if (count > 1) {
    text += "; " + std::to_string(count - 1) +
            (count == 2 ? " more operator cannot" : " more operators cannot") + " run either";
  }
  if (count > 0) {
    text += "; 'kinglet check' names all problems";
  }
  return text;
}

}  // namespace cli
