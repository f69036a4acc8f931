// SPDX-License-Identifier: Apache-2.0
/// @file fully_connected.cpp
/// The last layer of MobileNetV2 as files have it: a matrix times a vector.
#include "support/convolution_layer.hpp"

int main(int argc, char** argv) {
  return bench::run_benchmarks(argc, argv,
                               {bench::convolution_layer<std::int8_t>(bench::classifier()),
                                bench::convolution_layer<std::int16_t>(bench::classifier())});
}
