// SPDX-License-Identifier: Apache-2.0
/// @file tests/model/small_model.hpp
/// A written model of about 2 KB with one of nearly everything a file can hold.
#pragma once

#include <kinglet/model/writer.hpp>

namespace test {

inline std::vector<std::byte> small_model() {
  using kinglet::BuiltinOperator;
  using kinglet::ElementType;
  const std::vector<std::byte> weights(2 * 3 * 3 * 2, std::byte{5});
  const std::vector<std::byte> bias(2 * 4, std::byte{0});
  const std::vector<std::byte> axes = {std::byte{1}, {}, {}, {}, std::byte{2}, {}, {}, {}};

  kinglet::ModelWriter w("a small model");
  const auto image =
      w.add_tensor({.name = "image", .shape = {1, 8, 8, 2}, .scales = {0.5F}, .zero_points = {-3}});
  const auto filter = w.add_tensor({.name = "filter",
                                    .shape = {2, 3, 3, 2},
                                    .scales = {0.25F, 0.125F},
                                    .zero_points = {0, 0},
                                    .constant = weights});
  const auto bias_tensor = w.add_tensor({.name = "bias",
                                         .type = ElementType::int32,
                                         .shape = {2},
                                         .scales = {0.125F, 0.0625F},
                                         .zero_points = {0, 0},
                                         .quantized_dimension = 3,
                                         .constant = bias});
  const auto hidden =
      w.add_tensor({.name = "hidden", .shape = {1, 4, 4, 2}, .scales = {1.0F}, .zero_points = {127}});
  const auto sum =
      w.add_tensor({.name = "sum", .shape = {1, 4, 4, 2}, .scales = {2.0F}, .zero_points = {-128}});
  const auto axis_tensor =
      w.add_tensor({.name = "axes", .type = ElementType::int32, .shape = {2}, .constant = axes});
  const auto mean = w.add_tensor({.name = "mean", .shape = {1, 2}, .scales = {2.0F}, .zero_points = {0}});
  const auto flat = w.add_tensor({.name = "flat", .shape = {2}, .scales = {2.0F}, .zero_points = {0}});
  const auto state =
      w.add_tensor({.name = "state", .type = ElementType::float32, .shape = {4}, .is_variable = true});
  const auto result = w.add_tensor({.name = "result", .type = ElementType::float32, .shape = {2}});

  w.add_operator(
      {BuiltinOperator::conv_2d, 3}, {image, filter, bias_tensor}, {hidden},
      kinglet::Conv2DOptions{.stride_h = 2, .stride_w = 2, .activation = kinglet::Activation::relu6});
  w.add_operator({BuiltinOperator::add, 2}, {hidden, hidden}, {sum}, kinglet::AddOptions{});
  w.add_operator(BuiltinOperator::mean, {sum, axis_tensor}, {mean}, kinglet::ReducerOptions{});
  const std::int32_t new_shape[] = {-1};
  w.add_operator(BuiltinOperator::reshape, {mean}, {flat}, kinglet::ReshapeOptions{new_shape});
  w.add_operator({BuiltinOperator::custom, 1, "own_operator"}, {flat, -1, state}, {result});
  w.set_inputs({image});
  w.set_outputs({result});
  return w.finish();
}

}  // namespace test
