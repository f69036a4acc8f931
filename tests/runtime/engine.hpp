// SPDX-License-Identifier: Apache-2.0
/// @file tests/runtime/engine.hpp
/// A file in, outputs or an error message out. In engine.cpp.
#pragma once

#include <kinglet/quant/profile.hpp>
#include <kinglet/runtime/memory_plan.hpp>
#include <string>
#include <vector>

namespace test {

using Bytes = std::vector<std::byte>;

/// What one run gave.
struct Answer {
  kinglet::Errc code = kinglet::Errc::ok;
  std::string failure{};  ///< the message, empty when it ran
  kinglet::MemoryNeeds needs{};
  std::vector<Bytes> outputs{};
};

/// Opens the file, runs it once on the inputs (one entry a graph input) in memory of its own. Plans for every aim must
/// give the same: else that is the failure.
template <class P>
Answer run_model(const Bytes& file, const std::vector<Bytes>& inputs);

extern template Answer run_model<kinglet::profile::tflm>(const Bytes&, const std::vector<Bytes>&);
extern template Answer run_model<kinglet::profile::tflite>(const Bytes&, const std::vector<Bytes>&);
extern template Answer run_model<kinglet::profile::single>(const Bytes&, const std::vector<Bytes>&);

/// Calls f.operator()<P>() for each profile.
template <class F>
void for_profiles(F f) {
  f.template operator()<kinglet::profile::tflm>();
  f.template operator()<kinglet::profile::tflite>();
  f.template operator()<kinglet::profile::single>();
}

/// Bytes of a list of elements, and back.
template <class T>
Bytes bytes_of(const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}
template <class T>
std::vector<T> elements_of(const Bytes& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

}  // namespace test
