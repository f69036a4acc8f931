// SPDX-License-Identifier: Apache-2.0
// The caller's memory: as many bytes as are asked for and no more, no heap, and plans that lose no tensor.
#include <doctest/doctest.h>

#include <kinglet/core/message.hpp>
#include <kinglet/nn/mobilenet_v2.hpp>
#include <optional>
#include <support/data.hpp>

#include "guarded_bytes.hpp"
#include "heap_count.hpp"
#include "operators.hpp"
#include "random_graph.hpp"

using namespace kinglet;
using test::Bytes;

namespace {

/// An executor in memory of exactly the size that was asked for.
struct Exact {
  test::GuardedBytes arena;
  test::GuardedBytes storage;
  Result<test::Executor<>> executor;

  Exact(const Model& model, const MemoryNeeds& needs, test::Guard side, Aim aim = Aim::automatic)
      : arena(needs.arena_bytes, side),
        storage(needs.storage_bytes(), side),
        executor(test::Executor<>::create(model, {arena.bytes(), storage.bytes()}, aim)) {}
};

MemoryNeeds needs_of(const Model& model, Aim aim = Aim::automatic) {
  Bytes workspace(workspace_bytes(model) + 16);
  const auto needs =
      test::Executor<>::measure(model, aim, std::span(workspace).first(workspace_bytes(model)));
  REQUIRE(needs);
  return *needs;
}

std::vector<Bytes> run(test::Executor<>& executor, const std::vector<Bytes>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    REQUIRE(executor.input_bytes(i).size() == inputs[i].size());
    std::copy(inputs[i].begin(), inputs[i].end(), executor.input_bytes(i).begin());
  }
  executor.run();
  std::vector<Bytes> outputs;
  for (std::size_t i = 0; i < executor.output_count(); ++i) {
    outputs.emplace_back(executor.output_bytes(i).begin(), executor.output_bytes(i).end());
  }
  return outputs;
}

/// Bytes that are the same each time.
std::vector<Bytes> noise_for(const Model& model) {
  std::vector<Bytes> inputs;
  for (const std::int32_t tensor : model.inputs()) {
    inputs.push_back(test::xorshift_bytes(99, model.tensor(tensor).bytes()));
  }
  return inputs;
}

/// The data's files that the executor runs.
std::vector<std::pair<std::string, Bytes>> runnable_files() {
  std::vector<std::pair<std::string, Bytes>> files;
  const auto data = test::data_folder();
  if (!data) {
    MESSAGE("skipped: no data folder");
    return files;
  }
  for (const auto& entry : std::filesystem::directory_iterator(*data / "models")) {
    Bytes file = test::read_file(entry.path());
    const auto model = Model::open(file);
    if (model && check_operators(*model, test::Operators<profile::tflm>::table, [](const Status&) {}) == 0) {
      files.emplace_back(entry.path().filename().string(), std::move(file));
    }
  }
  CHECK(files.size() >= 9);
  return files;
}

/// Bytes that must be there, and the error when one is not.
void check_sizes(const Model& model) {
  const MemoryNeeds needs = needs_of(model);
  const test::GuardedBytes arena(needs.arena_bytes, test::Guard::behind);
  const test::GuardedBytes storage(needs.storage_bytes(), test::Guard::behind);
  const auto all = test::Executor<>::create(model, {arena.bytes(), storage.bytes()});
  CHECK(all);
  const auto less_arena =
      test::Executor<>::create(model, {arena.bytes().first(needs.arena_bytes - 1), storage.bytes()});
  REQUIRE_FALSE(less_arena);
  CHECK(less_arena.status().code == Errc::arena_too_small);
  CHECK(less_arena.status().actual == static_cast<std::int64_t>(needs.arena_bytes) - 1);
  CHECK(less_arena.status().limit == static_cast<std::int64_t>(needs.arena_bytes));
  const auto less_storage =
      test::Executor<>::create(model, {arena.bytes(), storage.bytes().first(needs.storage_bytes() - 1)});
  REQUIRE_FALSE(less_storage);
  CHECK(less_storage.status().code == Errc::storage_too_small);
  CHECK(less_storage.status().actual == static_cast<std::int64_t>(needs.storage_bytes()) - 1);
  CHECK(less_storage.status().limit == static_cast<std::int64_t>(needs.storage_bytes()));
}

/// By a plan that lies elsewhere, the arena need not hold the planner.
void check_by_plan(const Model& model, Aim aim, const std::vector<Bytes>& inputs,
                   const std::vector<Bytes>& expected) {
  Bytes workspace(workspace_bytes(model));
  const auto plan = test::Executor<>::plan(model, workspace, aim);
  REQUIRE(plan);
  const test::GuardedBytes arena(plan->needs.arena_bytes, test::Guard::behind);
  const test::GuardedBytes storage(plan->needs.storage_bytes(), test::Guard::behind);
  const auto create = [&](std::size_t less_arena, std::size_t less_storage) {
    return test::Executor<>::create(model, *plan,
                                    {arena.bytes().first(arena.bytes().size() - less_arena),
                                     storage.bytes().first(storage.bytes().size() - less_storage)});
  };
  auto executor = create(0, 0);
  REQUIRE(executor);
  CHECK(run(*executor, inputs) == expected);
  CHECK(create(1, 0).status().code == Errc::arena_too_small);
  CHECK(create(0, 1).status().code == Errc::storage_too_small);
}

using MobileNet = nn::MobileNetV2<>;
static_assert(MobileNet::arena_bytes <= 262'144);

}  // namespace

TEST_CASE("exactly the memory that is asked for, between forbidden pages: files") {
  for (const auto& entry : runnable_files()) {
    const auto& name = entry.first;  // clang 14 cannot capture structured bindings
    const auto& file = entry.second;
    INFO(name);
    const auto model = Model::open(file);
    REQUIRE(model);
    check_sizes(*model);
    const auto inputs = noise_for(*model);
    const auto expected = test::run_model<profile::tflm>(file, inputs);
    REQUIRE(expected.failure.empty());
    for (const Aim aim : {Aim::automatic, Aim::fast, Aim::small}) {
      const MemoryNeeds needs = needs_of(*model, aim);
      CHECK(needs.state_bytes <= 128 * static_cast<std::size_t>(model->operator_count()));
      for (const test::Guard side : {test::Guard::behind, test::Guard::in_front}) {
        Exact exact(*model, needs, side, aim);
        REQUIRE(exact.executor);
        CHECK(run(*exact.executor, inputs) == expected.outputs);
      }
      check_by_plan(*model, aim, inputs, expected.outputs);
    }
  }
}

TEST_CASE("exactly the memory that is asked for, between forbidden pages: written graphs") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed ", seed);
    test::RandomGraph graph(seed);
    const Bytes file = graph.file();
    const auto model = Model::open(file);
    REQUIRE(model);
    check_sizes(*model);
    for (const test::Guard side : {test::Guard::behind, test::Guard::in_front}) {
      Exact exact(*model, needs_of(*model), side);
      REQUIRE(exact.executor);
      CHECK(run(*exact.executor, graph.inputs()) == graph.outputs());
    }
  }
}

TEST_CASE("memory that is too small for the planner, or not aligned, is an error that says so") {
  test::RandomGraph graph(7);
  const Bytes file = graph.file();
  const auto model = Model::open(file);
  REQUIRE(model);
  const MemoryNeeds needs = needs_of(*model);
  Bytes arena(needs.arena_bytes + 16);
  Bytes storage(needs.storage_bytes() + 16);
  const auto status_of = [&](std::span<std::byte> a, std::span<std::byte> s) {
    return test::Executor<>::create(*model, {a, s}).status();
  };
  CHECK(status_of(arena, storage).ok());
  CHECK(status_of(std::span(arena).subspan(8), storage).code == Errc::misaligned_memory);
  CHECK(status_of(arena, std::span(storage).subspan(8)).code == Errc::misaligned_memory);
  CHECK(status_of({}, storage).code == Errc::arena_too_small);
  CHECK(status_of(arena, {}).code == Errc::storage_too_small);

  std::array<char, message_capacity> text{};
  CHECK(message(status_of({}, storage), text) ==
        "the arena is too small: bytes (found 0, limit " + std::to_string(workspace_bytes(*model)) + ")");

  Bytes workspace(workspace_bytes(*model) + 16);
  const auto measured = [&](std::size_t at, std::size_t size) {
    return test::Executor<>::measure(*model, Aim::automatic, std::span(workspace).subspan(at, size)).status();
  };
  CHECK(measured(0, workspace_bytes(*model)).ok());
  CHECK(measured(0, workspace_bytes(*model) - 1).code == Errc::workspace_too_small);
  CHECK(measured(0, workspace_bytes(*model) - 1).limit == static_cast<std::int64_t>(workspace_bytes(*model)));
  CHECK(measured(8, workspace_bytes(*model)).code == Errc::misaligned_memory);
  CHECK(arena_bytes<profile::tflite>(*model).ok());
  CHECK(*arena_bytes(*model) == needs.arena_bytes);
  CHECK(*storage_bytes(*model) == needs.storage_bytes());
}

TEST_CASE("no heap: measuring, creating, running") {
  test::RandomGraph graph(11);
  const Bytes file = graph.file();
  const auto inputs = graph.inputs();
  const auto model = Model::open(file);
  REQUIRE(model);
  const MemoryNeeds needs = needs_of(*model);
  const test::GuardedBytes arena(needs.arena_bytes, test::Guard::behind);
  const test::GuardedBytes storage(needs.storage_bytes(), test::Guard::behind);

  const std::uint64_t before = test::heap_requests();
  const auto reopened = Model::open(file);
  const auto measured = test::Executor<>::measure(*reopened);
  auto executor = test::Executor<>::create(*reopened, {arena.bytes(), storage.bytes()});
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    std::memcpy(executor->input_bytes(i).data(), inputs[i].data(), inputs[i].size());
  }
  executor->run();
  executor->run([](std::int32_t, std::span<const std::byte>) {});
  const auto refused = test::Executor<>::create(*reopened, {arena.bytes().first(0), storage.bytes()});
  const std::uint64_t after = test::heap_requests();
  CHECK(after == before);
  CHECK(measured);
  CHECK_FALSE(refused);

  auto owning = test::OwningExecutor<>::create(*model);
  REQUIRE(owning);
  CHECK(test::heap_requests() > after);  // the counter counts
  const std::uint64_t made = test::heap_requests();
  (*owning)->run();
  (*owning)->run([](std::int32_t, std::span<const std::byte>) {});
  CHECK(test::heap_requests() == made);
}

TEST_CASE("no heap: every kernel of the files") {
  for (const auto& entry : runnable_files()) {
    const auto& name = entry.first;  // clang 14 cannot capture structured bindings
    const auto& file = entry.second;
    INFO(name);
    const auto model = Model::open(file);
    REQUIRE(model);
    for (const Aim aim : {Aim::automatic, Aim::small}) {
      const MemoryNeeds needs = needs_of(*model, aim);
      const test::GuardedBytes arena(needs.arena_bytes, test::Guard::behind);
      const test::GuardedBytes storage(needs.storage_bytes(), test::Guard::behind);
      const std::uint64_t before = test::heap_requests();
      auto executor = test::Executor<>::create(*model, {arena.bytes(), storage.bytes()}, aim);
      executor->run();
      const std::uint64_t after = test::heap_requests();
      CHECK(after == before);
    }
  }
}

TEST_CASE("the smallest arenas of the data's networks") {
  struct Most {
    std::string_view name;
    std::size_t arena_bytes;
  };
  for (const Most& most :
       {Most{"tf2_mobilenet_v2_1.0_224_ptq.tflite", 262'144},
        Most{"mobilenet_v2_1.0_224_quant.tflite", 262'144}, Most{"vww_96_int8.tflite", 40'960},
        Most{"person_detect_fixed.tflite", 24'576}, Most{"pretrainedResnet_quant.tflite", 24'576},
        Most{"kws_ref_model.tflite", 8'192}}) {
    for (const auto& entry : runnable_files()) {
      if (entry.first == most.name) {
        INFO(entry.first);
        CHECK(needs_of(*Model::open(entry.second), Aim::small).arena_bytes <= most.arena_bytes);
      }
    }
  }
}

TEST_CASE("graphs whose operators write over dead inputs: every operator's output, every run") {
  int in_place = 0;
  for (std::uint64_t seed = 100; seed < 400; ++seed) {
    INFO("seed ", seed);
    test::RandomGraph graph(seed);
    const Bytes file = graph.file();
    const auto model = Model::open(file);
    REQUIRE(model);
    auto executor =
        test::OwningExecutor<>::create(*model, Aim::observed);  // every operator's output is there
    REQUIRE(executor);
    const auto inputs = graph.inputs();
    for (int round = 0; round < 2; ++round) {
      CHECK(run(**executor, inputs) == graph.outputs());
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      std::memcpy((*executor)->input_bytes(i).data(), inputs[i].data(), inputs[i].size());
    }
    const std::byte* previous = nullptr;
    (*executor)->run([&](std::int32_t index, std::span<const std::byte> output) {
      CHECK(Bytes(output.begin(), output.end()) == graph.written_by(index));
      in_place += output.data() == previous ? 1 : 0;
      previous = output.data();
    });
  }
  CHECK(in_place > 100);  // else the graphs test nothing
}

TEST_CASE("two executors take turns in one arena") {
  test::RandomGraph first(21);
  test::RandomGraph second(22);
  const Bytes file_a = first.file();
  const Bytes file_b = second.file();
  const auto a = Model::open(file_a);
  const auto b = Model::open(file_b);
  REQUIRE(a);
  REQUIRE(b);
  const MemoryNeeds needs_a = needs_of(*a);
  const MemoryNeeds needs_b = needs_of(*b);
  const test::GuardedBytes arena(std::max(needs_a.arena_bytes, needs_b.arena_bytes), test::Guard::behind);
  const test::GuardedBytes storage_a(needs_a.storage_bytes(), test::Guard::behind);
  const test::GuardedBytes storage_b(needs_b.storage_bytes(), test::Guard::behind);
  auto runs_a = test::Executor<>::create(*a, {arena.bytes(), storage_a.bytes()});
  auto runs_b = test::Executor<>::create(*b, {arena.bytes(), storage_b.bytes()});
  REQUIRE(runs_a);
  REQUIRE(runs_b);
  for (int round = 0; round < 3; ++round) {
    CHECK(run(*runs_a, first.inputs()) == first.outputs());
    CHECK(run(*runs_b, second.inputs()) == second.outputs());
  }
}

TEST_CASE("a graph without operators: its outputs are its inputs and constants") {
  ModelWriter writer;
  const std::vector<std::int8_t> constant = {1, 2, 3};
  const auto in = writer.add_tensor({.name = "in", .shape = {5}});
  const auto kept =
      writer.add_tensor({.name = "constant", .shape = {3}, .constant = std::as_bytes(std::span(constant))});
  const auto unused = writer.add_tensor({.name = "unused", .shape = {700}});
  writer.set_inputs({in, unused});
  writer.set_outputs({kept, in});
  const Bytes file = writer.finish();
  const auto model = Model::open(file);
  REQUIRE(model);
  Exact exact(*model, needs_of(*model), test::Guard::behind);
  REQUIRE(exact.executor);
  const auto outputs = run(*exact.executor, {Bytes(5, std::byte{9}), Bytes(700)});
  CHECK(outputs[0] == test::bytes_of(constant));
  CHECK(outputs[1] == Bytes(5, std::byte{9}));

  // Ends that do not exist, or have another type.
  CHECK(exact.executor->input<std::int8_t>(0).size() == 5);
  CHECK(exact.executor->input<std::uint8_t>(0).empty());
  CHECK(exact.executor->input<std::int8_t>(2).empty());
  CHECK(exact.executor->output<std::int8_t>(0).size() == 3);
  CHECK(exact.executor->output<float>(0).empty());
  CHECK(exact.executor->output_bytes(2).empty());
}

TEST_CASE("MobileNetV2 1.0/224 fits the arena of a typed network; a file's needs no more") {
  for (const auto& entry : runnable_files()) {
    const auto& name = entry.first;  // clang 14 cannot capture structured bindings
    const auto& file = entry.second;
    if (name.find("mobilenet_v2_1.0_224") != std::string::npos) {
      const auto model = Model::open(file);
      REQUIRE(model);
      INFO(name);
      // A QUANTIZE at each end makes another buffer of 224 x 224 x 3.
      CHECK(needs_of(*model).arena_bytes <= 1'520'000);
      CHECK(needs_of(*model).arena_bytes >= needs_of(*model).lower_bound);
    }
  }
}
