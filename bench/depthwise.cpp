// SPDX-License-Identifier: Apache-2.0
/// @file depthwise.cpp
/// Depthwise convolutions: every shape in MobileNetV2 1.0/224.
#include "support/convolution_layer.hpp"

int main(int argc, char** argv) {
  return bench::run_convolutions(argc, argv, [](const kinglet::nn::Step& step) {
    return step.op == kinglet::nn::Operator::depthwise_conv2d;
  });
}
