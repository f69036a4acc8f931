// SPDX-License-Identifier: Apache-2.0
#include "../recorder.hpp"

#include <algorithm>
#include <kinglet/runtime/owning_executor.hpp>

namespace test::inline KINGLET_TARGET {

namespace {

Record* current = nullptr;

/// A kernel that notes its name in the table before it runs.
template <class Kernel, const char* Op>
struct Recorded : Kernel {
  static void note() { current->calls[current->count++] = {Op, Kernel::name}; }
  template <class... T, class... A>
  static void run(A&&... arguments) {
    note();
    if constexpr (sizeof...(T) == 0) {
      Kernel::run(std::forward<A>(arguments)...);
    } else {
      Kernel::template run<T...>(std::forward<A>(arguments)...);
    }
  }
  template <class R, kinglet::MeanArithmetic Mean, class... A>
  static void run(A&&... arguments) {
    note();
    Kernel::template run<R, Mean>(std::forward<A>(arguments)...);
  }
};

#define KINGLET_RECORDED(op)               \
  static constexpr char op##_name[] = #op; \
  using op = Recorded<Row::op, op##_name>;

struct RecordedRow {
  using Row = kinglet::select::native;
  KINGLET_RECORDED(add)
  KINGLET_RECORDED(average_pool)
  KINGLET_RECORDED(conv2d)
  KINGLET_RECORDED(depthwise)
  KINGLET_RECORDED(dequantize)
  KINGLET_RECORDED(fully_connected)
  KINGLET_RECORDED(max_pool)
  KINGLET_RECORDED(mean)
  KINGLET_RECORDED(pad)
  KINGLET_RECORDED(pointwise)
  KINGLET_RECORDED(quantize)
  KINGLET_RECORDED(reshape)
  KINGLET_RECORDED(softmax)
};

}  // namespace

/// Every input byte of the model is `fill`.
bool record(std::span<const std::byte> file, std::byte fill, Record& result) {
  result.count = 0;
  result.output_bytes = 0;
  current = &result;
  const auto model = kinglet::Model::open(file);
  if (!model) {
    return false;
  }
  auto executor =
      kinglet::OwningExecutor<kinglet::profile::tflm, RecordedRow>::create(*model, kinglet::Aim::observed);
  if (!executor) {
    return false;
  }
  auto& network = **executor;
  std::ranges::fill(network.input_bytes(0), fill);
  network.run();
  for (std::size_t i = 0; i < network.output_count(); ++i) {
    const auto output = network.output_bytes(i);
    std::ranges::copy(output, result.outputs.data() + result.output_bytes);
    result.output_bytes += output.size();
  }
  return true;
}

}  // namespace test::inline KINGLET_TARGET
