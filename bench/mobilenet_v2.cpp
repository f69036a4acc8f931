// SPDX-License-Identifier: Apache-2.0
/// @file mobilenet_v2.cpp
/// Whole networks: generated MobileNetV2 1.0/224 and 0.35/96 as files through the executor and as types, and every
/// model in the data folder that the executor takes.
#include <generated_model.hpp>
#include <kinglet/nn/mobilenet_v2.hpp>
#include <kinglet/nn/network.hpp>
#include <kinglet/runtime/owning_executor.hpp>
#include <memory>
#include <set>

#include "support/layer.hpp"
#include "support/machine.hpp"
#include "support/random.hpp"

namespace {

using Bytes = std::vector<std::byte>;

/// Random integers, and zeros for floats, as arbitrary bytes may be slow numbers or none.
Bytes input_of(const kinglet::TensorInfo& tensor) {
  return tensor.type == kinglet::ElementType::float32 ? Bytes(tensor.bytes())
                                                      : bench::random_vector<std::byte>(tensor.bytes());
}

/// A file through the executor. Nothing, with a line on stderr, where that does not take it.
template <kinglet::Profile P>
void add_file(std::vector<bench::Layer>& layers, const std::string& name,
              const std::shared_ptr<const Bytes>& file) {
  const auto model = kinglet::Model::open(*file);
  auto created = model ? kinglet::OwningExecutor<P>::create(*model)
                       : kinglet::Result<kinglet::OwningExecutor<P>>(model.status());
  if (!created) {
    const kinglet::Status status = created.status();
    std::fprintf(stderr, "left out: %s: %s\n", name.c_str(), kinglet::sentence(status.code).data());
    return;
  }
  const auto executor = std::make_shared<kinglet::OwningExecutor<P>>(std::move(*created));
  std::vector<Bytes> inputs;
  for (const std::int32_t tensor : model->inputs()) {
    inputs.push_back(input_of(model->tensor(tensor)));
  }
  layers.push_back({.name = name,
                    .kernel = kinglet::isa::native::name,
                    .macs = static_cast<double>(executor->needs().macs),
                    .run = [file, executor, inputs] {
                      for (std::size_t i = 0; i < inputs.size(); ++i) {
                        std::copy(inputs[i].begin(), inputs[i].end(), (*executor)->input_bytes(i).begin());
                      }
                      (*executor)->run();
                    }});
}

/// Weights and quantization of a file whose operators are the network's, one by one.
template <class Architecture>
kinglet::Status take_weights(const kinglet::Model& model, kinglet::nn::Network<Architecture>& network) {
  network.set_quantization(0, model.tensor(model.inputs()[0]).per_tensor());
  for (std::size_t i = 0; i < Architecture::step_count; ++i) {
    const kinglet::OperatorInfo op = model.op(static_cast<std::int32_t>(i));
    network.set_quantization(i + 1, model.tensor(op.outputs[0]).per_tensor());
    if (has_weights(Architecture::graph.steps[i].op)) {
      const kinglet::TensorInfo filter = model.tensor(op.inputs[1]);
      network.set_weights(
          i, {.filter = reinterpret_cast<const std::int8_t*>(filter.constant.data()),
              .bias = reinterpret_cast<const std::int32_t*>(model.tensor(op.inputs[2]).constant.data()),
              .scale = filter.scale});
    }
  }
  return network.prepare();
}

/// The same network as a type, with the file's weights. Its last layer is a 1x1 convolution, and the file's a matrix:
/// the same numbers.
template <class Architecture>
void add_type(std::vector<bench::Layer>& layers, const std::string& name,
              const std::shared_ptr<const Bytes>& file) {
  const auto model = kinglet::Model::open(*file);
  const auto network = std::make_shared<kinglet::nn::Network<Architecture>>();
  if (const kinglet::Status status = take_weights(*model, *network); !status.ok()) {
    std::fprintf(stderr, "left out: %s: %s\n", name.c_str(), kinglet::sentence(status.code).data());
    return;
  }
  const auto arena =
      std::make_shared<kinglet::AlignedBytes>(kinglet::allocate_aligned(Architecture::arena_bytes));
  const auto picture = bench::random_vector<std::int8_t>(Architecture::graph.tensors[0].size());
  layers.push_back({.name = name,
                    .kernel = kinglet::isa::native::name,
                    .macs = static_cast<double>(Architecture::macs),
                    .run = [file, network, arena, picture] {
                      const typename kinglet::nn::Network<Architecture>::ArenaSpan span(
                          arena->get(), Architecture::arena_bytes);
                      std::copy(picture.begin(), picture.end(), network->input(span).data());
                      network->run(span);
                    }});
}

}  // namespace

int main(int argc, char** argv) {
  using kinglet::examples::generated_model;
  using kinglet::nn::MobileNetV2;
  std::vector<bench::Layer> layers;
  const auto large = std::make_shared<const Bytes>(generated_model({}));
  const auto small =
      std::make_shared<const Bytes>(generated_model({.width = 0.35, .size = 96, .classes = 1000}));
  add_file<kinglet::profile::tflm>(layers, "MobileNetV2 1.0/224, file", large);
  add_type<MobileNetV2<100, 224, 1000>>(layers, "MobileNetV2 1.0/224, type", large);
  add_file<kinglet::profile::tflm>(layers, "MobileNetV2 0.35/96, file", small);
  add_type<MobileNetV2<35, 96, 1000>>(layers, "MobileNetV2 0.35/96, type", small);
  if (const auto folder = bench::models_folder()) {
    std::set<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
      if (entry.path().extension() == ".tflite") {
        files.insert(entry.path());
      }
    }
    for (const std::filesystem::path& path : files) {
      add_file<kinglet::profile::tflite>(layers, path.stem().string(),
                                         std::make_shared<const Bytes>(bench::read_file(path)));
    }
  } else {
    std::fprintf(stderr, "skipped: no data folder, so no other models\n");
  }
  return bench::run_benchmarks(argc, argv, layers);
}
