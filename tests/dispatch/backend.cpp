// SPDX-License-Identifier: Apache-2.0
/// @file dispatch/backend.cpp
/// Which target is chosen, from made-up registries and in this program; executors of all targets give the same bytes.
#include <doctest/doctest.h>

#include <cstdlib>
#include <kinglet/core/message.hpp>
#include <kinglet/dispatch/owning_any_executor.hpp>
#include <kinglet/dispatch/registry.hpp>
#include <string>

#include "../runtime/every_operator.hpp"

using namespace kinglet;

namespace {

/// KINGLET_TARGET for one test case.
class Environment {
 public:
  explicit Environment(const char* value) {
    if (value == nullptr) {
      unsetenv("KINGLET_TARGET");
    } else {
      setenv("KINGLET_TARGET", value, 1);
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    if (before_) {
      setenv("KINGLET_TARGET", before_->c_str(), 1);
    } else {
      unsetenv("KINGLET_TARGET");
    }
  }

 private:
  std::optional<std::string> before_ = std::getenv("KINGLET_TARGET")
                                           ? std::optional<std::string>(std::getenv("KINGLET_TARGET"))
                                           : std::nullopt;
};

constexpr abi::Executors one_profile[] = {{.profile = "tflm", .weights = "packed"}};
constexpr abi::Executors two_profiles[] = {{.profile = "tflite", .weights = "packed"},
                                           {.profile = "tflm", .weights = "in-place"},
                                           {.profile = "tflm", .weights = "packed"}};
constexpr abi::Unit best{"avx512_vnni", {}, one_profile};
constexpr abi::Unit middle{"avx2", {}, two_profiles};
constexpr abi::Unit last{"scalar", {}, one_profile};

/// A machine with AVX2, in a program that has three targets.
const abi::Registry& registry() {
  static const dispatch::RegistryStorage storage(std::array{&best, &middle, &last},
                                                 isa::TargetSet().add("scalar").add("sse4_1").add("avx2"));
  return *storage.get();
}

std::string target_of(const BackendRequest& request) {
  const auto backend = Backend::choose(request, registry());
  return backend ? std::string(backend->target()) : "";
}
std::string failure_of(const BackendRequest& request, const abi::Registry& from = registry()) {
  const auto backend = Backend::choose(request, from);
  std::array<char, message_capacity> text{};
  return backend ? "" : std::string(message(backend.status(), text));
}

/// Inputs that are numbers as floats and as bytes.
template <class Network>
std::vector<std::byte> outputs_of(Network& network) {
  std::ranges::fill(network.input_bytes(0), std::byte{65});
  network.run();
  std::vector<std::byte> all;
  for (std::size_t i = 0; i < network.output_count(); ++i) {
    const auto output = network.output_bytes(i);
    all.insert(all.end(), output.begin(), output.end());
  }
  return all;
}

}  // namespace

TEST_CASE("the best target that is compiled in and runs is taken, unless another is asked for") {
  const Environment none(nullptr);
  CHECK(target_of({}) == "avx2");
  CHECK(target_of({.target = "scalar"}) == "scalar");
  CHECK(target_of({.profile = "tflite"}) == "avx2");
  CHECK(target_of({.weights = "in-place"}) == "avx2");
  CHECK(Backend::choose({}, registry())->weights() == "packed");
  CHECK(Backend::choose({.weights = "in-place"}, registry())->weights() == "in-place");
}

TEST_CASE("KINGLET_TARGET asks for a target, and the request has the last word") {
  const Environment scalar("scalar");
  CHECK(target_of({}) == "scalar");
  CHECK(target_of({.target = "avx2"}) == "avx2");
  const Environment empty("");
  CHECK(target_of({}) == "avx2");
  const Environment unknown("AVX2");
  CHECK(failure_of({}).starts_with("'AVX2': there is no target of this name"));
  CHECK(target_of({.target = "avx2"}) == "avx2");
}

TEST_CASE("what cannot be is an error that says what can") {
  const Environment none(nullptr);
  CHECK(failure_of({.target = "avx3"}) ==
        "'avx3': there is no target of this name; compiled in are: avx512_vnni, avx2, scalar");
  CHECK(failure_of({.target = "sse4_1"}) ==
        "'sse4_1': the target is not compiled in; what is: avx512_vnni, avx2, scalar");
  CHECK(failure_of({.target = "avx512_vnni"}) ==
        "'avx512_vnni': this machine cannot run the target; what it can run: avx2, scalar");
  CHECK(failure_of({.target = "scalar", .profile = "tflite"}) ==
        "'tflite': there is no profile of this name, or it is not compiled in");
  CHECK(failure_of({.profile = "tflite", .weights = "in-place"}) ==
        "'in-place': weights cannot be kept this way, or it is not compiled in");
  const dispatch::RegistryStorage storage(std::array{&best}, isa::TargetSet().add("scalar"));
  CHECK(failure_of({}, *storage.get()) ==
        "no target that is compiled in can run on this machine: avx512_vnni");
}

TEST_CASE("every target of this program gives the same bytes in every profile, however weights are kept") {
  const Environment none(nullptr);
  const std::vector<std::byte> file = test::EveryOperator().file();
  const auto model = Model::open(file);
  REQUIRE(model);
  const auto check = [&]<Profile P>(std::string_view weights) {
    std::vector<std::byte> expected;
    for (const abi::Entry& entry : kinglet_registry()->entries) {
      const std::string_view target = entry.unit->target;
      CAPTURE(target);
      const auto backend = Backend::choose({target, P::name, weights});
      REQUIRE(backend.ok() == entry.runnable);
      CHECK(entry.runnable == isa::probe().has(target));
      if (!backend) {
        MESSAGE("skipped: this machine cannot run ", target);
        continue;
      }
      auto owning = OwningAnyExecutor::create(*model, *backend);
      REQUIRE(owning);
      AnyExecutor& network = **owning;
      CHECK(network.target() == target);
      CHECK(network.profile() == P::name);
      const std::vector<std::byte> outputs = outputs_of(network);
      CHECK(outputs.size() > 50);
      CHECK(outputs == (expected.empty() ? outputs : expected));
      expected = outputs;
      CHECK(outputs_of(network) == expected);  // again, in memory that is no longer fresh
      CHECK(owning->needs().macs > 0);
      const auto needs = backend->measure(*model);
      REQUIRE(needs);
      std::vector<std::max_align_t> memory(needs->total_bytes() / sizeof(std::max_align_t) + 1);
      const auto bytes = std::as_writable_bytes(std::span(memory));
      auto planning =
          backend->create(*model, {bytes.first(needs->arena_bytes), bytes.subspan(needs->arena_bytes)});
      REQUIRE(planning);
      CHECK(outputs_of(*planning) == expected);
      auto observed = OwningAnyExecutor::create(*model, *backend, Aim::observed);
      REQUIRE(observed);
      CHECK(outputs_of(**observed) == expected);
      CHECK(network.input<float>(0).size() == 72);
      CHECK(network.input<std::int8_t>(0).empty());
      CHECK(network.output<float>(0).size() == 3);
      CHECK(network.input_info(0).name == "real");

      std::int32_t seen = 0;
      (**observed).run([&](std::int32_t op, std::span<const std::byte> output) {
        CHECK(op == seen++);
        CHECK(output.size() == model->tensor(model->op(op).outputs[0]).bytes());
      });
      CHECK(seen == model->operator_count());
    }
  };
  for (const std::string_view weights : {"packed", "in-place"}) {
    CAPTURE(weights);
    check.operator()<profile::tflm>(weights);
    check.operator()<profile::tflite>(weights);
    check.operator()<profile::single>(weights);
  }
}

TEST_CASE("a backend fails as its executor does") {
  const Environment none(nullptr);
  const std::vector<std::byte> file = test::EveryOperator().file();
  const auto model = Model::open(file);
  REQUIRE(model);
  const auto backend = Backend::choose();
  REQUIRE(backend);
  const auto needs = backend->measure(*model);
  REQUIRE(needs);
  std::vector<std::max_align_t> memory(needs->total_bytes() / sizeof(std::max_align_t) + 1);
  const auto bytes = std::as_writable_bytes(std::span(memory));
  const auto arena = bytes.first(needs->arena_bytes);
  CHECK(backend->create(*model, {arena, bytes.subspan(arena.size())}).ok());
  CHECK(backend->create(*model, {arena.first(16), bytes.subspan(arena.size())}).status().code ==
        Errc::arena_too_small);
  CHECK(backend->create(*model, {arena, {}}).status().code == Errc::storage_too_small);
  CHECK(backend->measure(*model, Aim::automatic, bytes.first(16)).status().code == Errc::workspace_too_small);
  CHECK(backend->plan(*model, bytes.first(16)).status().code == Errc::workspace_too_small);
  const auto plan = backend->plan(*model, bytes);
  REQUIRE(plan);
  CHECK(plan->needs.macs == needs->macs);
  CHECK(backend->check(*model, [](const Status&) { FAIL("nothing is wrong"); }) == 0);

  ModelWriter writer;
  const auto tensor = writer.add_tensor({.name = "x", .type = ElementType::int8, .shape = {1, 4}});
  const auto other = writer.add_tensor({.name = "y", .type = ElementType::int8, .shape = {1, 4}});
  writer.add_operator(BuiltinOperator::lsh_projection, {tensor}, {other});
  writer.set_inputs({tensor});
  writer.set_outputs({other});
  const std::vector<std::byte> unsupported = writer.finish();
  const auto odd = Model::open(unsupported);
  REQUIRE(odd);
  std::vector<Errc> codes;
  CHECK(backend->check(*odd, [&](const Status& status) { codes.push_back(status.code); }) == 1);
  CHECK(codes == std::vector{Errc::unsupported_operator});
  CHECK(OwningAnyExecutor::create(*odd, *backend).status().operator_name == "LSH_PROJECTION");
}
