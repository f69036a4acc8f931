// SPDX-License-Identifier: Apache-2.0
/// @file engine.cpp
#include "engine.hpp"

#include "failure.hpp"

namespace cli {

const std::vector<std::string>& profile_names() {
  static const std::vector<std::string> names{std::string(kinglet::profile::tflm::name),
                                              std::string(kinglet::profile::tflite::name),
                                              std::string(kinglet::profile::single::name)};
  return names;
}

const std::vector<std::string>& aim_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const kinglet::AimName& aim : kinglet::aim_names) {
      list.emplace_back(aim.name);
    }
    return list;
  }();
  return names;
}

kinglet::Aim aim_of(const EngineChoice& choice) {
  if (choice.observed) {
    return kinglet::Aim::observed;
  }
  for (const kinglet::AimName& aim : kinglet::aim_names) {
    if (aim.name == choice.aim) {
      return aim.aim;
    }
  }
  throw BadUsage("there is no aim '" + choice.aim + "'");
}

kinglet::Backend choose_backend(const EngineChoice& choice) {
  const auto backend = kinglet::Backend::choose(
      {.target = choice.target, .profile = choice.profile, .weights = choice.weights});
  if (backend) {
    return *backend;
  }
  const std::string text = text_of(backend.status());
  switch (backend.status().code) {
    case kinglet::Errc::unknown_profile: throw BadUsage("--conform " + text);
    case kinglet::Errc::unknown_weights: throw BadUsage("--weights " + text);
    default: break;
  }
  const std::string reason = (choice.target.empty() ? "KINGLET_TARGET " : "--target ") + text;
  if (backend.status().code == kinglet::Errc::unknown_target) {
    throw BadUsage(reason);
  }
  throw Failure(reason);
}

Engine make_engine(const ModelFile& file, const EngineChoice& choice) {
  const kinglet::Backend backend = choose_backend(choice);
  auto executor = Engine::create(file.model(), backend, aim_of(choice));
  if (!executor) {
    const std::size_t count = backend.check(file.model(), [](const kinglet::Status&) {});
    throw Failure(describe_unsupported(file, executor.status(), count));
  }
  return *std::move(executor);
}

}  // namespace cli
