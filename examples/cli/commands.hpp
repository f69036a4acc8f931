// SPDX-License-Identifier: Apache-2.0
/// @file commands.hpp
/// The subcommands. Each returns the exit code or throws a Failure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

/// Names of the conformance profiles, the default first.
const std::vector<std::string>& profile_names();

/// How a model is to run; names that the command line has checked.
struct EngineChoice {
  std::string target{};            ///< a name from `kinglet targets`; empty: KINGLET_TARGET, or the best
  std::string profile{};           ///< one of `profile_names()`
  std::string aim = "auto";        ///< one of `aim_names()`
  bool observed = false;           ///< every operator's output is to be seen, whatever the aim
  std::string weights = "packed";  ///< or "in-place": as they lie in the file
};

/// What memory is planned for.
const std::vector<std::string>& aim_names();

struct RunOptions {
  std::string model{};  ///< empty: the generated one
  EngineChoice engine{};
  std::string image{};
  std::string labels{};
  int top = 5;
  std::vector<double> mean{};  ///< per channel, or one for all
  std::vector<double> deviation{};
  std::vector<std::string> inputs{};
  std::vector<std::string> outputs{};
  std::string dump{};
};
int run(const RunOptions& options);

struct InspectOptions {
  std::string model{};
  EngineChoice engine{};
  std::string plan{};  ///< a file for the plan as a page
  bool json = false;
};
int inspect(const InspectOptions& options);

struct BenchOptions {
  std::string model{};  ///< empty: the generated one
  EngineChoice engine{};
  int runs = 50;
  bool steps = false;
  bool json = false;
};
int bench(const BenchOptions& options);

struct TargetsOptions {
  bool json = false;
};
int targets(const TargetsOptions& options);

struct CheckOptions {
  std::string model{};
  bool json = false;
};
int check(const CheckOptions& options);

struct GenerateOptions {
  std::string path{};
  double width = 1.0;
  int size = 224;
  int classes = 1000;
  std::uint32_t seed = 1;
};
int generate(const GenerateOptions& options);

/// "1,2.5,-3" as numbers; a BadUsage that names the option when it is anything else, or not 1 or 3 numbers.
std::vector<double> parse_channels(const std::string& option, const std::string& text);

}  // namespace cli
