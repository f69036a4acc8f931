// SPDX-License-Identifier: Apache-2.0
#include "operators.hpp"

namespace test {

#define KINGLET_OPERATORS_OF(P)                                                 \
  template <>                                                                   \
  constinit const std::span<const kinglet::OperatorEntry> Operators<P>::table = \
      kinglet::AllOperators<P, kinglet::select::native>::table

KINGLET_OPERATORS_OF(kinglet::profile::tflm);
KINGLET_OPERATORS_OF(kinglet::profile::tflite);
KINGLET_OPERATORS_OF(kinglet::profile::single);

}  // namespace test

namespace kinglet::inline KINGLET_TARGET {

template Result<std::size_t> arena_bytes<profile::tflm>(const Model&, Aim, std::span<std::byte>) noexcept;
template Result<std::size_t> arena_bytes<profile::tflite>(const Model&, Aim, std::span<std::byte>) noexcept;
template Result<std::size_t> storage_bytes<profile::tflm>(const Model&, Aim, std::span<std::byte>) noexcept;

}  // namespace kinglet::inline KINGLET_TARGET
