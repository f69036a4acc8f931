// SPDX-License-Identifier: Apache-2.0
/// @file inspection.hpp
/// What `kinglet inspect` knows about a model, before it is text or JSON.
#pragma once

#include <cstdint>
#include <kinglet/runtime/executor.hpp>
#include <optional>
#include <string>
#include <vector>

#include "commands.hpp"
#include "model_file.hpp"

namespace cli {

/// Multiply-accumulates of one operator, from its shapes alone, whether it can run or not; 0 for operators that
/// have none.
std::uint64_t count_macs(const kinglet::Model& model, const kinglet::OperatorInfo& op);

/// Bytes of the constants that an operator reads.
std::uint64_t weight_bytes(const kinglet::Model& model, const kinglet::OperatorInfo& op);

/// A buffer in the arena: an activation, or an operator's scratch memory.
struct PlannedBuffer {
  std::int32_t tensor = -1;  ///< -1: scratch
  std::int32_t op = -1;      ///< the operator whose scratch it is; -1: an activation
  std::int32_t rows = 0;     ///< of a line buffer: those it holds; 0: it is no line buffer
  kinglet::BufferRequest request{};
};

/// Operators that run row by row together.
struct Chain {
  std::int32_t first;
  std::int32_t last;
};

/// A PAD that does not run, since a convolution does it on the way.
struct Folded {
  std::int32_t op;
  std::int32_t into;
};

struct Plan {
  kinglet::MemoryNeeds needs{};
  std::vector<Folded> folded{};
  std::vector<Chain> chains{};
  std::vector<PlannedBuffer> buffers{};  ///< that take memory, by the time they come alive
};

struct Inspection {
  const ModelFile& file;
  EngineChoice engine;
  std::string_view target;  ///< the one chosen
  std::uint64_t macs = 0;
  std::uint64_t constant_bytes = 0;
  std::optional<Plan> plan{};           ///< none when the model cannot run
  std::vector<std::string> problems{};  ///< then these say why
};

Inspection make_inspection(const ModelFile& file, const EngineChoice& choice);

std::string inspection_text(const Inspection& inspection);

/// The plan as a picture: a row a buffer, time from left to right.
std::string plan_text(const kinglet::Model& model, const Plan& plan);

/// The same as a page that needs nothing else: bytes of the arena over operators, and who owns each byte when.
std::string plan_page(const Inspection& inspection);

}  // namespace cli
