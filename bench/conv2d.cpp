// SPDX-License-Identifier: Apache-2.0
/// @file conv2d.cpp
/// Convolutions with windows: MobileNetV2 1.0/224 has one.
#include "support/convolution_layer.hpp"

int main(int argc, char** argv) {
  return bench::run_convolutions(argc, argv, [](const kinglet::nn::Step& step) {
    return step.op == kinglet::nn::Operator::conv2d && !kinglet::nn::runs_pointwise(step);
  });
}
