// SPDX-License-Identifier: Apache-2.0
/// @file generate.cpp
/// `kinglet generate`, and the model that `run` and `bench` use when there is none.
#include "../generated_model.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "model_file.hpp"
#include "text.hpp"

namespace cli {

ModelFile ModelFile::generated() {
  AlignedBytes bytes(kinglet::examples::generated_model({}));
  const auto model = kinglet::Model::open(bytes.view());
  if (!model) {
    throw Failure("the generated model: " + text_of(model.status()));
  }
  ModelFile file("generated MobileNetV2 1.0/224", std::move(bytes), *model);
  file.generated_ = true;
  return file;
}

int generate(const GenerateOptions& options) {
  OutputFile file(options.path);
  const std::vector<std::byte> bytes = kinglet::examples::generated_model(
      {.width = options.width, .size = options.size, .classes = options.classes, .seed = options.seed});
  file.write(bytes);
  file.commit();
  print(format("%s: MobileNetV2 %.2f/%d, %d classes, generated weights, %zu bytes\n", options.path.c_str(),
               options.width, options.size, options.classes, bytes.size()));
  return 0;
}

}  // namespace cli
