// SPDX-License-Identifier: Apache-2.0
/// @file runtime/operators/reshape.hpp
/// RESHAPE and SQUEEZE: the same bytes under another shape; copied only where the input is still needed.
#pragma once

#include <kinglet/quant/profile.hpp>
#include <kinglet/runtime/require.hpp>

namespace kinglet::inline KINGLET_TARGET::operators {

/// The output's shape is the file's; a shape tensor or option that says another one is not looked at, as in
/// TFLite Micro.
template <class Kernel, BuiltinOperator Code>
struct CopyShape {
  static constexpr BuiltinOperator code = Code;
  static constexpr std::int32_t max_version = 2;

  static Status prepare(Preparation& p) noexcept {
    Require require(p);
    if (!require.arity({.required = 1, .inputs = 2}).ok()) {
      return require.status();
    }
    const TensorInfo input = p.input(0);
    const TensorInfo output = p.output();
    require.that(input.type != ElementType::other, input, Errc::unsupported_type, input.type_name);
    require.type(output, input.type).elements(output, input.elements());
    if (!require.ok()) {
      return require.status();
    }
    p.may_overwrite(0);
    State* const state = p.template make_state<State>();
    if (state != nullptr) {
      *state = {p.template data<std::byte>(input), p.template output_data<std::byte>(), output.bytes()};
    }
    p.template set_step<State, run>(state);
    return {};
  }

 private:
  struct State {
    const std::byte* input;
    std::byte* output;
    std::size_t bytes;
  };
  static void run(const State& s) noexcept { Kernel::run(s.input, s.output, s.bytes); }
};

template <Profile P, class Kernels>
using Reshape = CopyShape<typename Kernels::reshape, BuiltinOperator::reshape>;
template <Profile P, class Kernels>
using Squeeze = CopyShape<typename Kernels::reshape, BuiltinOperator::squeeze>;

}  // namespace kinglet::inline KINGLET_TARGET::operators
