// SPDX-License-Identifier: Apache-2.0
/// @file dispatch/registry.hpp
/// From a program's units and what the machine can run to a registry. Included by a source that kinglet_add_dispatch
/// writes, which is compiled without flags of any target.
#pragma once

#include <array>
#include <kinglet/core/message.hpp>
#include <kinglet/dispatch/interface.hpp>
#include <kinglet/isa/probe.hpp>

namespace kinglet::inline KINGLET_TARGET::dispatch {

/// Where a registry and its words lie: points into itself, so it stays where it is made.
/// @tparam Units how many
template <std::size_t Units>
class RegistryStorage {
 public:
  RegistryStorage(const std::array<const abi::Unit*, Units>& units, const isa::TargetSet& runnable) noexcept {
    TextBuffer all(compiled_in_);
    TextBuffer some(runnable_);
    for (std::size_t i = 0; i < Units; ++i) {
      entries_[i] = {units[i], runnable.has(units[i]->target)};
      list(all, units[i]->target);
      if (entries_[i].runnable) {
        list(some, units[i]->target);
      }
    }
    registry_ = {entries_, all.view(), some.view()};
  }
  RegistryStorage(const RegistryStorage&) = delete;
  RegistryStorage& operator=(const RegistryStorage&) = delete;

  [[nodiscard]] const abi::Registry* get() const noexcept { return &registry_; }

 private:
  static void list(TextBuffer& text, std::string_view name) noexcept {
    text << (text.view().empty() ? "" : ", ") << name;
  }

  std::array<abi::Entry, Units> entries_{};
  std::array<char, 16 * Units> compiled_in_{};  // a name and its comma are shorter
  std::array<char, 16 * Units> runnable_{};
  abi::Registry registry_{};
};

}  // namespace kinglet::inline KINGLET_TARGET::dispatch
