// SPDX-License-Identifier: Apache-2.0
/// @file kernels/softmax/generic.hpp
/// SOFTMAX: the reference. Its time is the chain of float additions, whose order is part of the result.
#pragma once

#include <kinglet/kernels/softmax/reference.hpp>

namespace kinglet::inline KINGLET_TARGET::softmax {

struct Generic : Reference {
  static constexpr std::string_view name = "generic";
};

}  // namespace kinglet::inline KINGLET_TARGET::softmax
