// SPDX-License-Identifier: Apache-2.0
/// @file support/executed_file.cpp
/// The executor with all its operators: what a typed network's code is compared with by `compile_time`.
#include <kinglet/runtime/executor.hpp>

kinglet::Result<kinglet::Executor<>> create(const kinglet::Model& model,
                                            const kinglet::ExecutorMemory& memory) {
  return kinglet::Executor<>::create(model, memory);
}
void run(kinglet::Executor<>& executor) {
  executor.run();
}
