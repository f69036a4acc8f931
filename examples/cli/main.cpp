// SPDX-License-Identifier: Apache-2.0
/// @file main.cpp
/// The `kinglet` command: arguments, and one line on stderr for whatever goes wrong.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <kinglet/dispatch/backend.hpp>

#include "commands.hpp"
#include "failure.hpp"
#include "text.hpp"

namespace cli {
namespace {

int fail(std::string_view reason, int code) {
  std::fprintf(stderr, "kinglet: error: %s\n", one_line(reason).c_str());
  return code;
}

std::string version() {
  const auto backend = kinglet::Backend::choose();
  return format("kinglet %d.%d.%d (%s)", KINGLET_VERSION_MAJOR, KINGLET_VERSION_MINOR, KINGLET_VERSION_PATCH,
                std::string(backend ? backend->target() : "no target").c_str());
}

/// An unset variable in a script must not pass for an option that is absent.
const CLI::Validator& not_empty() {
  static const CLI::Validator validator(
      [](const std::string& text) { return std::string(text.empty() ? "must not be empty" : ""); }, "");
  return validator;
}

void add_model(CLI::App& command, std::string& model, bool required) {
  command
      .add_option("MODEL", model,
                  required ? "a .tflite file" : "a .tflite file; default: a generated MobileNetV2")
      ->required(required)
      ->check(not_empty());
}

void add_engine(CLI::App& command, EngineChoice& engine) {
  engine.profile = profile_names().front();
  command
      .add_option("--conform", engine.profile,
                  "whose bits to equal: TFLite Micro (tflm), TFLite (tflite), TFLite Micro with single "
                  "rounding (single)")
      ->check(CLI::IsMember(profile_names()))
      ->capture_default_str();
  command
      .add_option(
          "--aim", engine.aim,
          "what memory is planned for: every operator at once (fast), the smallest arena, or a little "
          "more for speed (small), the smallest one that costs little time (auto)")
      ->check(CLI::IsMember(aim_names()))
      ->capture_default_str();
  command
      .add_option(
          "--weights", engine.weights,
          "a copy in the order that the machine likes (packed), or as they lie in the file (in-place)")
      ->check(CLI::IsMember({"packed", "in-place"}))
      ->capture_default_str();
  command
      .add_option("--target", engine.target,
                  "instruction set, a name from 'kinglet targets'; default: KINGLET_TARGET, or the best")
      ->type_name("NAME")
      ->check(not_empty());
}

/// One path an occurrence, so that `--output a.bin MODEL` does not take MODEL as well.
void add_paths(CLI::App& command, const char* name, std::vector<std::string>& paths, const char* help) {
  command.add_option(name, paths, help)
      ->type_name("FILE")
      ->check(not_empty())
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

int run_command(int argc, char** argv) {
  CLI::App app("Runs quantized .tflite models.", "kinglet");
  app.set_version_flag("--version", version());
  app.require_subcommand(0, 1);

  RunOptions run_options;
  std::string mean;
  std::string deviation;
  CLI::App& run_app = *app.add_subcommand("run", "Classify a picture, or feed raw tensors");
  add_model(run_app, run_options.model, false);
  add_engine(run_app, run_options.engine);
  auto* const image =
      run_app.add_option("--image", run_options.image, "PNG, JPEG or BMP: cropped, resized, classified")
          ->type_name("FILE")
          ->check(not_empty());
  run_app.add_option("--labels", run_options.labels, "names of the classes, one a line")
      ->type_name("FILE")
      ->check(not_empty());
  run_app.add_option("--top", run_options.top, "how many classes to print")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  auto* const mean_option =
      run_app
          .add_option("--mean", mean,
                      "real = (pixel - mean) / std; default: the bytes themselves, or -1..1 for floats")
          ->type_name("R,G,B")
          ->check(not_empty());
  auto* const deviation_option =
      run_app.add_option("--std", deviation, "see --mean")->type_name("R,G,B")->check(not_empty());
  mean_option->needs(deviation_option);
  deviation_option->needs(mean_option);
  add_paths(run_app, "--input", run_options.inputs,
            "raw tensor, N samples back to back; again for every input of the model");
  add_paths(run_app, "--output", run_options.outputs,
            "raw outputs, N samples back to back; again for every output of the model");
  run_app
      .add_option("--dump", run_options.dump,
                  "write every operator's output there; each runs at once, whatever --aim says")
      ->type_name("DIR")
      ->check(not_empty());
  run_app.get_option("--input")->excludes(image);

  InspectOptions inspect_options;
  CLI::App& inspect_app = *app.add_subcommand("inspect", "Show operators, tensors and the memory plan");
  add_model(inspect_app, inspect_options.model, true);
  add_engine(inspect_app, inspect_options.engine);
  inspect_app.add_flag("--json", inspect_options.json, "print JSON");
  inspect_app.add_option("--plan", inspect_options.plan, "write the memory plan as a page with a picture")
      ->type_name("FILE.html")
      ->check(not_empty());

  BenchOptions bench_options;
  CLI::App& bench_app = *app.add_subcommand("bench", "Measure the time of one run");
  add_model(bench_app, bench_options.model, false);
  add_engine(bench_app, bench_options.engine);
  bench_app.add_option("--runs", bench_options.runs, "timed runs, after one to warm up")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  bench_app.add_flag("--steps", bench_options.steps,
                     "then as many runs again, for the least time of each operator or chain that runs row by "
                     "row; the sum is free of interruptions that whole runs cannot avoid");
  bench_app.add_flag("--json", bench_options.json, "print JSON");

  CheckOptions check_options;
  CLI::App& check_app = *app.add_subcommand("check", "Name everything in a model that cannot run");
  add_model(check_app, check_options.model, true);
  check_app.add_flag("--json", check_options.json, "print JSON");

  TargetsOptions targets_options;
  CLI::App& targets_app =
      *app.add_subcommand("targets", "List instruction sets: compiled in, usable here, and their kernels");
  targets_app.add_flag("--json", targets_options.json, "print JSON");

  GenerateOptions generate_options;
  CLI::App& generate_app =
      *app.add_subcommand("generate", "Write an int8 MobileNetV2 with generated weights");
  generate_app.add_option("OUT", generate_options.path, "the .tflite file to write")
      ->required()
      ->check(not_empty());
  generate_app.add_option("--width", generate_options.width, "multiplies the channels")
      ->check(CLI::Range(0.05, 4.0))
      ->capture_default_str();
  generate_app.add_option("--size", generate_options.size, "pixels of the picture's side")
      ->check(CLI::Range(32, 1024))
      ->capture_default_str();
  generate_app.add_option("--classes", generate_options.classes, "outputs of the model")
      ->check(CLI::Range(2, 100'000))
      ->capture_default_str();
  generate_app.add_option("--seed", generate_options.seed, "of the random numbers")->capture_default_str();

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    print(app.help());
    return 0;
  } catch (const CLI::CallForVersion&) {
    print(version() + "\n");
    return 0;
  } catch (const CLI::ParseError& error) {
    throw BadUsage(error.what());
  }

  if (app.get_subcommands().empty()) {
    throw BadUsage("say what to do: run, inspect, bench, check, targets or generate; --help says more");
  }
  if (run_app.parsed()) {
    if (!mean.empty()) {
      run_options.mean = parse_channels("--mean", mean);
      run_options.deviation = parse_channels("--std", deviation);
    }
    return run(run_options);
  }
  if (inspect_app.parsed()) {
    return inspect(inspect_options);
  }
  if (bench_app.parsed()) {
    return bench(bench_options);
  }
  if (targets_app.parsed()) {
    return targets(targets_options);
  }
  return check_app.parsed() ? check(check_options) : generate(generate_options);
}

}  // namespace
}  // namespace cli

int main(int argc, char** argv) {
#ifdef SIGPIPE
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is a failed write, with a message
#endif
  try {
    return cli::run_command(argc, argv);
  } catch (const cli::BadUsage& error) {
    return cli::fail(error.what(), 2);
  } catch (const std::bad_alloc&) {
    return cli::fail("not enough memory", 1);
  } catch (const std::exception& error) {
    return cli::fail(error.what(), 1);
  }
}
