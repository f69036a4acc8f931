// SPDX-License-Identifier: Apache-2.0
/// @file kinglet.hpp
/// The whole library, in reading order; each header brings those below it. Left out: model/writer.hpp, optimize/
/// and monitor/, which are for workstations.
#pragma once

// clang-format off
#include <kinglet/core/config.hpp>
#include <kinglet/core/result.hpp>
#include <kinglet/core/message.hpp>
#include <kinglet/tensor/element.hpp>
#include <kinglet/tensor/tensor.hpp>
#include <kinglet/memory/planner.hpp>
#include <kinglet/memory/stream_planner.hpp>
#include <kinglet/memory/arena.hpp>
#include <kinglet/quant/params.hpp>
#include <kinglet/quant/requantize.hpp>
#include <kinglet/quant/activation.hpp>
#include <kinglet/quant/profile.hpp>
#include <kinglet/isa/target.hpp>
#include <kinglet/isa/probe.hpp>
#include <kinglet/kernels/window.hpp>
#include <kinglet/kernels/convolution.hpp>
#include <kinglet/kernels/select.hpp>
#include <kinglet/kernels/inverted_residual/fused.hpp>
#include <kinglet/nn/network.hpp>
#include <kinglet/nn/mobilenet_v2.hpp>
#if __has_include(<kinglet/model/schema_generated.hpp>)  // made by cmake where FlatBuffers is installed
#include <kinglet/model/model.hpp>
#include <kinglet/runtime/executor.hpp>
#include <kinglet/runtime/owning_executor.hpp>
#include <kinglet/runtime/load_weights.hpp>
#include <kinglet/dispatch/registry.hpp>
#include <kinglet/dispatch/unit.hpp>
#include <kinglet/dispatch/owning_any_executor.hpp>
#endif
