// SPDX-License-Identifier: Apache-2.0
/// @file support/element_layer.hpp
/// Tensors of kernels that do a little for every element, and the shapes MobileNetV2 gives them.
#pragma once

#include <memory>
#include <span>

#include "support/convolution_layer.hpp"

namespace bench {

template <class From, class To>
struct ElementData {
  Elements<From> input;
  Elements<From> other;
  Elements<To> output;
};

template <class From, class To>
std::shared_ptr<ElementData<From, To>> element_data(std::size_t inputs, std::size_t outputs) {
  return std::make_shared<ElementData<From, To>>(ElementData<From, To>{
      random_elements<From>(inputs), random_elements<From>(inputs), Elements<To>(outputs)});
}

/// Every shape that MobileNetV2 1.0/224 adds.
inline std::vector<kinglet::nn::Shape> added_shapes() {
  std::vector<kinglet::nn::Shape> shapes;
  for (const kinglet::nn::Step& step :
       distinct_steps([](const kinglet::nn::Step& s) { return s.op == kinglet::nn::Operator::add; })) {
    shapes.push_back(network.shape(step.output));
  }
  return shapes;
}

inline std::string name_of(const kinglet::nn::Shape& s) {
  return std::to_string(s.height) + "x" + std::to_string(s.width) + "x" + std::to_string(s.channels);
}

}  // namespace bench
