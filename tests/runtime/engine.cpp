// SPDX-License-Identifier: Apache-2.0
#include "engine.hpp"

#include <array>
#include <kinglet/core/message.hpp>

#include "operators.hpp"

namespace test {

namespace {
Answer failure(const kinglet::Status& status) {
  std::array<char, kinglet::message_capacity> text{};
  return {.code = status.code, .failure = std::string(kinglet::message(status, text))};
}
}  // namespace

namespace {
template <class P>
Answer run_for(const kinglet::Model& model, const std::vector<Bytes>& inputs, kinglet::Aim aim) {
  auto executor = OwningExecutor<P>::create(model, aim);
  if (!executor) {
    return failure(executor.status());
  }
  auto& run = **executor;
  for (std::size_t i = 0; i < run.input_count(); ++i) {
    std::ranges::fill(run.input_bytes(i), std::byte{0});  // what a test gives no input for
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto to = run.input_bytes(i);
    if (to.size() != inputs[i].size()) {
      return {.code = kinglet::Errc::bad_argument, .failure = "the test's input has another size"};
    }
    std::copy(inputs[i].begin(), inputs[i].end(), to.begin());
  }
  run.run();
  Answer answer{.needs = executor->needs()};
  for (std::size_t i = 0; i < run.output_count(); ++i) {
    const auto from = run.output_bytes(i);
    answer.outputs.emplace_back(from.begin(), from.end());
  }
  return answer;
}
}  // namespace

template <class P>
Answer run_model(const Bytes& file, const std::vector<Bytes>& inputs) {
  const auto model = kinglet::Model::open(file);
  if (!model) {
    return failure(model.status());
  }
  Answer answer = run_for<P>(*model, inputs, kinglet::Aim::automatic);
  for (const kinglet::Aim aim : {kinglet::Aim::fast, kinglet::Aim::small}) {
    const Answer other = run_for<P>(*model, inputs, aim);
    if (other.outputs != answer.outputs || other.failure != answer.failure) {
      return {.code = kinglet::Errc::bad_argument, .failure = "another aim gives other bits"};
    }
  }
  return answer;
}

template Answer run_model<kinglet::profile::tflm>(const Bytes&, const std::vector<Bytes>&);
template Answer run_model<kinglet::profile::tflite>(const Bytes&, const std::vector<Bytes>&);
template Answer run_model<kinglet::profile::single>(const Bytes&, const std::vector<Bytes>&);

}  // namespace test
