// SPDX-License-Identifier: Apache-2.0
/// @file kernels/memory.hpp
/// The memory a kernel is given besides its tensors.
#pragma once

#include <kinglet/core/config.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// Both may be null where the kernel asks for 0 bytes.
struct KernelMemory {
  constexpr KernelMemory() noexcept = default;
  constexpr KernelMemory(std::byte* s) noexcept : scratch(s) {}  // NOLINT: a kernel that packs nothing
  constexpr KernelMemory(const std::byte* p, std::byte* s) noexcept : packed(p), scratch(s) {}

  const std::byte* packed = nullptr;  ///< weights as `pack` wrote them: `packed_bytes`
  std::byte* scratch = nullptr;       ///< contents do not matter before and after a run: `scratch_bytes`
};

}  // namespace kinglet::inline KINGLET_TARGET
