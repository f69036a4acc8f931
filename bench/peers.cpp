// SPDX-License-Identifier: Apache-2.0
/// @file peers.cpp
/// Kinglet beside oneDNN and TensorFlow Lite, in one process, one thread each, by turns. The peers' outputs are not
/// bit-exact: how far they are from Kinglet's is printed.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <generated_model.hpp>
#include <kinglet/core/message.hpp>
#include <kinglet/runtime/owning_executor.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "support/contest.hpp"
#include "support/convolution_layer.hpp"
#include "support/machine.hpp"
#include "support/tflite.hpp"
#if defined(KINGLET_BENCH_ONEDNN)
#include "support/onednn_network.hpp"
#endif

namespace {

using Json = nlohmann::ordered_json;
using bench::Contender;
using Bytes = std::vector<std::byte>;

std::map<std::string, kinglet::Aim> all_aims() {
  std::map<std::string, kinglet::Aim> aims;
  for (const kinglet::AimName& aim : kinglet::aim_names) {
    aims.emplace(aim.name, aim.aim);
  }
  return aims;
}
const std::map<std::string, kinglet::Aim> aims = all_aims();

struct Options {
  std::string model;
  std::string tflite;
  std::string xnnpack = "both";
  std::string aim = "fast";
  int runs = 200;
  bool layers = true;
  bool json = false;
};

/// A network: its contest, and how to see its output as real numbers.
struct Engine {
  Contender contender;
  std::function<std::vector<float>()> output;
};

/// The numbers of a file's tensor.
std::vector<float> dequantized(const kinglet::TensorInfo& info, std::span<const std::byte> bytes) {
  std::vector<float> numbers;
  for (const std::byte byte : bytes) {
    const int value = info.type == kinglet::ElementType::int8 ? static_cast<std::int8_t>(byte)
                                                              : static_cast<int>(std::to_integer<int>(byte));
    numbers.push_back(info.per_tensor().scale * static_cast<float>(value - info.per_tensor().zero_point));
  }
  return numbers;
}

std::vector<Engine> make_engines(const Options& options, const Bytes& file, const kinglet::Model& model) {
  std::vector<Engine> engines;
  const kinglet::TensorInfo output = model.tensor(model.outputs()[0]);
  const Bytes picture = bench::random_vector<std::byte>(model.tensor(model.inputs()[0]).bytes());

  auto created = kinglet::OwningExecutor<>::create(model, aims.at(options.aim));
  if (!created) {
    std::array<char, kinglet::message_capacity> text{};
    throw std::runtime_error(std::string(kinglet::message(created.status(), text)));
  }
  const auto executor = std::make_shared<kinglet::OwningExecutor<>>(std::move(*created));
  std::copy(picture.begin(), picture.end(), (**executor).input_bytes(0).begin());
  engines.push_back({{"Kinglet", [executor] { (**executor).run(); },
                      std::string(kinglet::isa::native::name) + ", aim " + options.aim},
                     [=] { return dequantized(output, (**executor).output_bytes(0)); }});

#if defined(KINGLET_BENCH_ONEDNN)
  try {
    const auto network = std::make_shared<bench::onednn::Network>(model);
    const bool is_unsigned = model.tensor(model.inputs()[0]).type == kinglet::ElementType::uint8;
    std::transform(picture.begin(), picture.end(), network->input().begin(), [is_unsigned](std::byte b) {
      return static_cast<std::int8_t>(is_unsigned ? b ^ std::byte{0x80} : b);
    });
    std::string note;
    for (const std::string& name : network->implementations()) {
      note += (note.empty() ? "" : ", ") + name;
    }
    engines.push_back({{"oneDNN", [network] { network->run(); }, note}, [network] {
                         return std::vector<float>(network->output().begin(), network->output().end());
                       }});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "oneDNN left out: %s\n", error.what());
  }
#endif

  if (!options.tflite.empty()) {
    static const bench::tflite::Library library(options.tflite);
    for (const bool xnnpack : {false, true}) {
      if (options.xnnpack != "both" && xnnpack != (options.xnnpack == "on")) {
        continue;
      }
      if (xnnpack && !library.has_xnnpack) {
        std::fprintf(stderr, "XNNPACK left out: the TFLite library has none\n");
        continue;
      }
      const auto interpreter = std::make_shared<bench::tflite::Interpreter>(library, file, xnnpack);
      std::copy(picture.begin(), picture.end(), interpreter->input().begin());
      engines.push_back({{xnnpack ? "TFLite, XNNPACK" : "TFLite, builtin kernels",
                          [interpreter] { interpreter->run(); }, library.version()},
                         [=] { return dequantized(output, interpreter->output()); }});
    }
  }
  return engines;
}

Json run_network(const Options& options, const Bytes& file) {
  const auto model = kinglet::Model::open(file);
  if (!model) {
    std::array<char, kinglet::message_capacity> text{};
    throw std::runtime_error(std::string(kinglet::message(model.status(), text)));
  }
  std::vector<Engine> engines = make_engines(options, file, *model);
  std::vector<std::vector<float>> outputs;
  std::vector<Contender> contenders;
  for (Engine& engine : engines) {
    engine.contender.run();
    outputs.push_back(engine.output());
    contenders.push_back(engine.contender);
  }
  bench::compete(contenders, options.runs);
  Json rows = Json::array();
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    float farthest = 0;
    for (std::size_t k = 0; k < outputs[0].size(); ++k) {
      farthest = std::max(farthest, std::abs(outputs[i][k] - outputs[0][k]));
    }
    rows.push_back({{"engine", contenders[i].engine},
                    {"ms", contenders[i].best_us / 1e3},
                    {"ratio", contenders[i].best_us / contenders[0].best_us},
                    {"farthest_output", farthest},
                    {"implementation", contenders[i].note}});
  }
  return rows;
}

#if defined(KINGLET_BENCH_ONEDNN)
/// The same convolution for oneDNN, with random weights as well.
Contender onednn_layer(bench::onednn::Machine& machine, const kinglet::nn::Step& step) {
  const kinglet::nn::Shape in = bench::network.shape(step.input);
  const kinglet::nn::Shape out = bench::network.shape(step.output);
  const kinglet::nn::Shape filter = bench::network.filter_shape(step);
  const kinglet::Window window = step.filter.window(in);
  const auto weights = bench::random_vector<std::int8_t>(filter.size());
  const bench::onednn::Convolution convolution{
      .source = {.dims = {1, in.channels, in.height, in.width}, .scale = 0.02F},
      .destination = {.dims = {1, out.channels, out.height, out.width}, .scale = 0.02F},
      .height = filter.height,
      .width = filter.width,
      .strides = {window.stride_h, window.stride_w},
      .pad_before = {window.pad_top, window.pad_left},
      .depthwise = step.op == kinglet::nn::Operator::depthwise_conv2d,
      .filter = weights.data(),
      .filter_scales = std::vector<float>(static_cast<std::size_t>(out.channels), 0.01F)};
  const bench::onednn::PreparedConvolution prepared(machine, convolution);
  const dnnl::memory source(prepared.description.src_desc(), machine.engine);
  bench::fill_random(std::span(static_cast<std::uint8_t*>(source.get_data_handle()), in.size()));
  const dnnl::memory destination(prepared.description.dst_desc(), machine.engine);
  return {"oneDNN",
          [&machine, call = prepared.call(source, destination)] {
            call.primitive.execute(machine.stream, call.arguments);
            machine.stream.wait();
          },
          prepared.description.impl_info_str()};
}
#endif

/// Every distinct convolution of MobileNetV2 1.0/224.
Json run_layers(const Options& options) {
  Json rows = Json::array();
#if defined(KINGLET_BENCH_ONEDNN)
  bench::onednn::Machine machine;
  for (const kinglet::nn::Step& step :
       bench::distinct_steps([](const kinglet::nn::Step& s) { return has_weights(s.op); })) {
    const bench::Layer layer = bench::convolution_layer<std::int8_t>(step);
    std::vector<Contender> contenders{{"Kinglet", layer.run, std::string(layer.kernel)},
                                      onednn_layer(machine, step)};
    bench::compete(contenders, options.runs);
    rows.push_back({{"layer", layer.name},
                    {"operator", kinglet::nn::name_of(step.op)},
                    {"macs", layer.macs},
                    {"kinglet_us", contenders[0].best_us},
                    {"onednn_us", contenders[1].best_us},
                    {"ratio", contenders[1].best_us / contenders[0].best_us},
                    {"kinglet", contenders[0].note},
                    {"onednn", contenders[1].note}});
  }
#else
  static_cast<void>(options);
#endif
  return rows;
}

void print_tables(const Json& report) {
  std::printf("Processor: %s\nModel: %s\n", report["processor"].get<std::string>().c_str(),
              report["model"].get<std::string>().c_str());
  std::printf("One thread each, by turns, fastest of %d runs. Peers are not bit-exact.\n\n",
              report["runs"].get<int>());
  std::printf(
      "| engine | ms | time over Kinglet's | farthest output | implementation |\n|---|--:|--:|--:|---|\n");
  for (const Json& row : report["network"]) {
    std::printf("| %s | %.3f | %.2f | %.4f | %s |\n", row["engine"].get<std::string>().c_str(),
                row["ms"].get<double>(), row["ratio"].get<double>(), row["farthest_output"].get<double>(),
                row["implementation"].get<std::string>().c_str());
  }
  if (report["layers"].empty()) {
    return;
  }
  std::printf("\n| layer | Kinglet us | oneDNN us | oneDNN's time over Kinglet's | oneDNN's kernel |\n");
  std::printf("|---|--:|--:|--:|---|\n");
  for (const Json& row : report["layers"]) {
    std::printf("| %s %s | %.1f | %.1f | %.2f | %s |\n", row["operator"].get<std::string>().c_str(),
                row["layer"].get<std::string>().c_str(), row["kinglet_us"].get<double>(),
                row["onednn_us"].get<double>(), row["ratio"].get<double>(),
                row["onednn"].get<std::string>().c_str());
  }
}

void run(const Options& options) {
#if defined(KINGLET_BENCH_ONEDNN)
  bench::onednn::Machine::use_one_thread();
#endif
  const Bytes file =
      options.model.empty() ? kinglet::examples::generated_model({}) : bench::read_file(options.model);
  const Json report{{"processor", bench::processor_name()},
                    {"target", kinglet::isa::native::name},
                    {"model", options.model.empty() ? "MobileNetV2 1.0/224, generated weights"
                                                    : std::filesystem::path(options.model).stem().string()},
                    {"runs", options.runs},
                    {"network", run_network(options, file)},
                    {"layers", options.layers ? run_layers(options) : Json::array()}};
  if (options.json) {
    std::printf("%s\n", report.dump(2).c_str());
  } else {
    print_tables(report);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Kinglet beside oneDNN and TensorFlow Lite: one thread each, by turns");
  app.add_option("--model", options.model,
                 "int8 .tflite file; MobileNetV2 1.0/224 with generated weights otherwise");
  app.add_option("--tflite", options.tflite, "TensorFlow Lite's C library (libtensorflowlite_c.so)");
  app.add_option("--xnnpack", options.xnnpack, "TFLite with XNNPACK: on, off or both")
      ->check(CLI::IsMember({"on", "off", "both"}));
  app.add_option("--aim", options.aim, "Kinglet's plan: fast, small or auto (fast)")
      ->check(CLI::IsMember(aims));
  app.add_option("--runs", options.runs, "turns of each engine, the fastest counts (200)")
      ->check(CLI::PositiveNumber);
  app.add_flag("!--no-layers", options.layers, "leave out the layers one by one");
  app.add_flag("--json", options.json, "JSON, for bench_plot");
  CLI11_PARSE(app, argc, argv);
  try {
    run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_peers: %s\n", error.what());
    return 1;
  }
  return 0;
}
