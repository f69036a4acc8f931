// SPDX-License-Identifier: Apache-2.0
/// @file tests/dispatch/recorder.hpp
/// A model run by one target's kernels, each of which says that it was called. Compiled once a target, without
/// optimization, so that nothing is inlined that units could share by mistake.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace test {

/// A plain struct: units of all targets see the same.
struct Record {
  struct Call {
    std::string_view op;
    std::string_view kernel;
  };
  std::array<Call, 64> calls;
  std::size_t count;
  std::array<std::byte, 256> outputs;  ///< of the model, one after another
  std::size_t output_bytes;
};

}  // namespace test
