// SPDX-License-Identifier: Apache-2.0
/// @file dispatch/kernels.cpp
/// The kernels that run are those that the table of a target names; units of all targets are in this one program.
#include <doctest/doctest.h>

#include <dispatch_recorder_targets.hpp>
#include <kinglet/dispatch/backend.hpp>
#include <kinglet/isa/probe.hpp>
#include <set>
#include <string>

#include "../runtime/every_operator.hpp"
#include "recorder.hpp"

// The functions of each unit, as it names them.
#define KINGLET_DECLARE(target)                                      \
  namespace target {                                                 \
  bool record(std::span<const std::byte>, std::byte, test::Record&); \
  }
namespace test {
dispatch_recorder_TARGETS(KINGLET_DECLARE)
}

namespace {

struct Recorder {
  const char* target;
  bool (*record)(std::span<const std::byte>, std::byte, test::Record&);
};
#define KINGLET_RECORDER(target) {#target, &test::target::record},
constexpr Recorder recorders[] = {dispatch_recorder_TARGETS(KINGLET_RECORDER)};

const kinglet::abi::Unit* unit_of(std::string_view target) {
  for (const kinglet::abi::Entry& entry : kinglet_registry()->entries) {
    if (entry.unit->target == target) {
      return entry.unit;
    }
  }
  return nullptr;
}

}  // namespace

TEST_CASE("the kernels that run are those of the target's row, and all rows compute the same") {
  const std::vector<std::byte> file = test::EveryOperator().file();
  std::vector<std::byte> expected;
  for (const Recorder& recorder : recorders) {
    CAPTURE(recorder.target);
    if (!kinglet::isa::probe().has(recorder.target)) {
      MESSAGE("skipped: this machine cannot run ", recorder.target);
      continue;
    }
    test::Record record;
    REQUIRE(recorder.record(file, std::byte{65}, record));
    const std::vector<std::byte> outputs(
        record.outputs.begin(), record.outputs.begin() + static_cast<std::ptrdiff_t>(record.output_bytes));
    CHECK(outputs.size() > 50);
    CHECK(outputs == (expected.empty() ? outputs : expected));
    expected = outputs;

    const kinglet::abi::Unit* const unit = unit_of(recorder.target);
    if (unit == nullptr) {
      MESSAGE("skipped: ", recorder.target, " is not in the registry");
      continue;
    }
    std::set<std::string_view> ran;
    for (std::size_t i = 0; i < record.count; ++i) {
      ran.insert(record.calls[i].op);
    }
    for (const kinglet::abi::KernelName& cell : unit->kernels) {
      CAPTURE(cell.op);
      CHECK(ran.erase(cell.op) == 1);
      for (std::size_t i = 0; i < record.count; ++i) {
        CHECK((record.calls[i].op != cell.op || record.calls[i].kernel == cell.kernel));
      }
    }
    CHECK(ran.empty());  // nothing runs that is not in the table
  }
}
