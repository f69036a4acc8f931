// SPDX-License-Identifier: Apache-2.0
/// @file kernels/reshape/generic.hpp
/// RESHAPE: the reference already is one copy of bytes.
#pragma once

#include <kinglet/kernels/reshape/reference.hpp>

namespace kinglet::inline KINGLET_TARGET::reshape {

struct Generic : Reference {
  static constexpr std::string_view name = "generic";
};

}  // namespace kinglet::inline KINGLET_TARGET::reshape
