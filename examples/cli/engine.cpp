// SPDX-License-Identifier: Apache-2.0
/// @file engine.cpp
/// The only file that compiles the kernels. The three profiles share most of them, so one file is quickest.
#include "engine.hpp"

#include <kinglet/runtime/owning_executor.hpp>

#include "commands.hpp"
#include "failure.hpp"

namespace cli {
namespace {

template <class Profile>
class EngineOf final : public Engine {
 public:
  explicit EngineOf(kinglet::OwningExecutor<Profile> executor) : executor_(std::move(executor)) {}
  std::span<std::byte> input(std::size_t i) override { return executor_->input_bytes(i); }
  std::span<const std::byte> output(std::size_t i) override { return executor_->output_bytes(i); }
  void run() override { executor_->run(); }
  void run(const Observer& observe) override { executor_->run(std::cref(observe)); }
  const kinglet::MemoryNeeds& needs() const override { return executor_.needs(); }

 private:
  kinglet::OwningExecutor<Profile> executor_;
};

template <class Profile>
std::unique_ptr<Engine> make(const ModelFile& file) {
  auto executor = kinglet::OwningExecutor<Profile>::create(file.model());
  if (!executor) {
    std::size_t count =
        kinglet::check_operators(file.model(), kinglet::AllOperators<Profile, kinglet::select::native>::table,
                                 [](const kinglet::Status&) {});
    throw Failure(describe_unsupported(file, executor.status(), count));
  }
  return std::make_unique<EngineOf<Profile>>(*std::move(executor));
}

struct ProfileEntry {
  std::string_view name;
  std::unique_ptr<Engine> (*make)(const ModelFile&);
  std::span<const kinglet::OperatorEntry> table;
};

template <class Profile>
constexpr ProfileEntry entry{Profile::name, &make<Profile>,
                             kinglet::AllOperators<Profile, kinglet::select::native>::table};

constexpr ProfileEntry profiles[] = {entry<kinglet::profile::tflm>, entry<kinglet::profile::tflite>,
                                     entry<kinglet::profile::single>};

const ProfileEntry& find(const std::string& name) {
  for (const ProfileEntry& profile : profiles) {
    if (profile.name == name) {
      return profile;
    }
  }
  throw BadUsage("there is no profile '" + name + "'");
}

}  // namespace

const std::vector<std::string>& profile_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const ProfileEntry& profile : profiles) {
      list.emplace_back(profile.name);
    }
    return list;
  }();
  return names;
}

std::unique_ptr<Engine> make_engine(const ModelFile& file, const std::string& profile) {
  return find(profile).make(file);
}

std::span<const kinglet::OperatorEntry> operator_table(const std::string& profile) {
  return find(profile).table;
}

std::string_view target_name() {
  return kinglet::isa::native::name;
}

}  // namespace cli
