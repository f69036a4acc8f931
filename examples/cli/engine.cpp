// SPDX-License-Identifier: Apache-2.0
/// @file engine.cpp
/// The only file that compiles the kernels. The three profiles share most of them, so one file is quickest.
#include "engine.hpp"

#include <kinglet/runtime/owning_executor.hpp>

#include "commands.hpp"
#include "failure.hpp"

namespace cli {
namespace {

template <class Executor>
class EngineOf final : public Engine {
 public:
  explicit EngineOf(Executor executor) : executor_(std::move(executor)) {}
  std::span<std::byte> input(std::size_t i) override { return executor_->input_bytes(i); }
  std::span<const std::byte> output(std::size_t i) override { return executor_->output_bytes(i); }
  void run() override { executor_->run(); }
  void run(const Observer& observe) override { executor_->run(std::cref(observe)); }
  const kinglet::MemoryNeeds& needs() const override { return executor_.needs(); }

 private:
  Executor executor_;
};

template <class Profile, class Kernels>
std::unique_ptr<Engine> make(const ModelFile& file, kinglet::Aim aim) {
  using Executor = kinglet::OwningExecutor<Profile, Kernels>;
  auto executor = Executor::create(file.model(), aim);
  if (!executor) {
    std::size_t count = kinglet::check_operators(file.model(), kinglet::AllOperators<Profile, Kernels>::table,
                                                 [](const kinglet::Status&) {});
    throw Failure(describe_unsupported(file, executor.status(), count));
  }
  return std::make_unique<EngineOf<Executor>>(*std::move(executor));
}

struct EngineEntry {
  std::string_view profile;
  std::string_view weights;
  std::unique_ptr<Engine> (*make)(const ModelFile&, kinglet::Aim);
  std::span<const kinglet::OperatorEntry> table;
};

template <class Profile, class Kernels>
constexpr EngineEntry entry(std::string_view weights) {
  return {Profile::name, weights, &make<Profile, Kernels>, kinglet::AllOperators<Profile, Kernels>::table};
}

using kinglet::select::in_place;
using kinglet::select::native;
constexpr EngineEntry engines[] = {entry<kinglet::profile::tflm, native>("packed"),
                                   entry<kinglet::profile::tflite, native>("packed"),
                                   entry<kinglet::profile::single, native>("packed"),
                                   entry<kinglet::profile::tflm, in_place>("in-place"),
                                   entry<kinglet::profile::tflite, in_place>("in-place"),
                                   entry<kinglet::profile::single, in_place>("in-place")};

struct AimEntry {
  std::string_view name;
  kinglet::Aim aim;
};
constexpr AimEntry aims[] = {
    {"auto", kinglet::Aim::automatic}, {"fast", kinglet::Aim::fast}, {"small", kinglet::Aim::small}};

const EngineEntry& find(const EngineChoice& choice) {
  for (const EngineEntry& engine : engines) {
    if (engine.profile == choice.profile && engine.weights == choice.weights) {
      return engine;
    }
  }
  throw BadUsage("there is no profile '" + choice.profile + "'");
}

}  // namespace

const std::vector<std::string>& profile_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const EngineEntry& engine : engines) {
      if (engine.weights == engines[0].weights) {
        list.emplace_back(engine.profile);
      }
    }
    return list;
  }();
  return names;
}

const std::vector<std::string>& aim_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const AimEntry& aim : aims) {
      list.emplace_back(aim.name);
    }
    return list;
  }();
  return names;
}

kinglet::Aim aim_of(const EngineChoice& choice) {
  for (const AimEntry& aim : aims) {
    if (aim.name == choice.aim) {
      return aim.aim;
    }
  }
  throw BadUsage("there is no aim '" + choice.aim + "'");
}

std::unique_ptr<Engine> make_engine(const ModelFile& file, const EngineChoice& choice) {
  return find(choice).make(file, aim_of(choice));
}

std::span<const kinglet::OperatorEntry> operator_table(const EngineChoice& choice) {
  return find(choice).table;
}

std::string_view target_name() {
  return kinglet::isa::native::name;
}

}  // namespace cli
