// SPDX-License-Identifier: Apache-2.0
/// @file check.cpp
/// `kinglet check`
#include <cstdio>

#include "commands.hpp"
#include "engine.hpp"
#include "failure.hpp"
#include "inspection.hpp"
#include "json.hpp"

namespace cli {
namespace {

Json problem_json(const kinglet::Status& status) {
  return {{"operator", status.operator_index < 0 ? Json() : Json(status.operator_index)},
          {"name", status.operator_name},
          {"tensor", status.tensor_index < 0 ? Json() : Json(status.tensor_index)},
          {"message", text_of(status)}};
}

}  // namespace

int check(const CheckOptions& options) {
  const ModelFile file = ModelFile::read(options.model);
  const EngineChoice choice{.profile =
                                profile_names().front()};  // which one makes no difference to what can run
  Json problems = Json::array();
  const auto report = [&](const kinglet::Status& status) {
    problems.push_back(problem_json(status));
    std::fprintf(stderr, "kinglet: error: %s\n", one_line(text_of(status)).c_str());
  };
  if (choose_backend(choice).check(file.model(), report) == 0) {
    // Every operator can run, but the plan may still ask for more memory than there is.
    for (const std::string& problem : make_inspection(file, choice).problems) {
      problems.push_back({{"operator", Json()}, {"name", ""}, {"tensor", Json()}, {"message", problem}});
      std::fprintf(stderr, "kinglet: error: %s\n", one_line(problem).c_str());
    }
  }
  const bool runs = problems.empty();
  if (options.json) {
    print_json(Json{{"model", file.name()}, {"runs", runs}, {"problems", std::move(problems)}});
  } else if (runs) {
    print(one_line(file.name()) + ": can run, all " + std::to_string(file.model().operator_count()) +
          " operators are supported\n");
  }
  return runs ? 0 : 1;
}

}  // namespace cli
