// SPDX-License-Identifier: Apache-2.0
/// @file targets.cpp
/// `kinglet targets`
#include <algorithm>
#include <kinglet/dispatch/backend.hpp>
#include <kinglet/isa/probe.hpp>

#include "commands.hpp"
#include "engine.hpp"
#include "json.hpp"

namespace cli {
namespace {

/// Null when the target is not compiled in.
const kinglet::abi::Unit* find_unit(std::string_view target) {
  for (const kinglet::abi::Entry& entry : kinglet_registry()->entries) {
    if (entry.unit->target == target) {
      return entry.unit;
    }
  }
  return nullptr;
}

Json targets_json(std::string_view chosen) {
  const kinglet::isa::TargetSet runnable = kinglet::isa::probe();
  Json list = Json::array();
  for (const kinglet::isa::TargetInfo& target : kinglet::isa::targets) {
    const kinglet::abi::Unit* const unit = find_unit(target.name);
    Json kernels;
    for (std::size_t i = 0; unit != nullptr && i < unit->kernels.size(); ++i) {
      kernels[std::string(unit->kernels[i].op)] = unit->kernels[i].kernel;
    }
    list.push_back({{"name", target.name},
                    {"fallback", target.fallback.empty() ? Json() : Json(target.fallback)},
                    {"compiled_in", unit != nullptr},
                    {"runnable", runnable.has(target.name)},
                    {"chosen", target.name == chosen},
                    {"kernels", std::move(kernels)}});
  }
  return list;
}

/// A line a kernel, with the operators that take it.
std::string kernels_text(const Json& kernels) {
  std::vector<std::pair<std::string, std::string>> by_kernel;
  for (const auto& [op, kernel] : kernels.items()) {
    const auto name = kernel.get<std::string>();
    const auto found = std::find_if(by_kernel.begin(), by_kernel.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    if (found == by_kernel.end()) {
      by_kernel.emplace_back(name, op);
    } else {
      found->second += ", " + op;
    }
  }
  std::string text;
  for (const auto& [kernel, operators] : by_kernel) {
    text += "    " + kernel + ": " + operators + "\n";
  }
  return text;
}

std::string targets_text(const Json& list) {
  std::string text;
  for (const Json& target : list) {
    const bool compiled_in = target["compiled_in"].get<bool>();
    const bool runnable = target["runnable"].get<bool>();
    text += target["chosen"].get<bool>() ? "* " : "  ";
    text += format("%-14s%-17s%-24s", target["name"].get<std::string>().c_str(),
                   compiled_in ? "compiled in" : "not compiled in",
                   runnable ? "this machine can run" : "this machine cannot run");
    text += target["fallback"].is_null() ? "no fallback"
                                         : "falls back to " + target["fallback"].get<std::string>();
    text += "\n" + kernels_text(target["kernels"]);
  }
  return text;
}

}  // namespace

int targets(const TargetsOptions& options) {
  const kinglet::Backend backend = choose_backend({.profile = profile_names().front()});
  Json list = targets_json(backend.target());
  if (options.json) {
    print_json(Json{{"chosen", backend.target()}, {"targets", std::move(list)}});
  } else {
    print(targets_text(list));
  }
  return 0;
}

}  // namespace cli
