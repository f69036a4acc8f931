// SPDX-License-Identifier: Apache-2.0
/// @file runtime/operator_table.hpp
/// Which operators the executor knows. One line an operator; each has its own header in operators/.
#pragma once

#include <kinglet/runtime/operators/add.hpp>
#include <kinglet/runtime/operators/conv2d.hpp>
#include <kinglet/runtime/operators/depthwise_conv2d.hpp>
#include <kinglet/runtime/operators/fully_connected.hpp>
#include <kinglet/runtime/operators/mean.hpp>
#include <kinglet/runtime/operators/pad.hpp>
#include <kinglet/runtime/operators/pool.hpp>
#include <kinglet/runtime/operators/quantize.hpp>
#include <kinglet/runtime/operators/reshape.hpp>
#include <kinglet/runtime/operators/softmax.hpp>

namespace kinglet::inline KINGLET_TARGET {

/// A row of an operator table.
struct OperatorEntry {
  BuiltinOperator code;
  std::int32_t max_version;  ///< newer ones may mean something we do not know
  Status (*prepare)(Preparation&) noexcept;
};

namespace detail {
template <class... Operator>
inline constexpr OperatorEntry entries[] = {{Operator::code, Operator::max_version, &Operator::prepare}...};
}  // namespace detail

/// Every operator of the library, in profile P's arithmetic. A program that runs only some models can pass the
/// executor a table of its own and so leave the other kernels out.
template <Profile P, class Kernels>
struct AllOperators {
  static constexpr std::span<const OperatorEntry> table{detail::entries<
      operators::Add<P, Kernels>, operators::AveragePool2D<P, Kernels>, operators::Conv2D<P, Kernels>,
      operators::DepthwiseConv2D<P, Kernels>, operators::Dequantize<P, Kernels>,
      operators::FullyConnected<P, Kernels>, operators::MaxPool2D<P, Kernels>, operators::Mean<P, Kernels>,
      operators::Pad<P, Kernels>, operators::Quantize<P, Kernels>, operators::Reshape<P, Kernels>,
      operators::Softmax<P, Kernels>, operators::Squeeze<P, Kernels>>};
};

/// The row for an operator, or null.
constexpr const OperatorEntry* find_operator(std::span<const OperatorEntry> table,
                                             BuiltinOperator code) noexcept {
  for (const OperatorEntry& entry : table) {
    if (entry.code == code) {
      return &entry;
    }
  }
  return nullptr;
}

}  // namespace kinglet::inline KINGLET_TARGET
