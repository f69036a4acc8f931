// SPDX-License-Identifier: Apache-2.0
/// @file tests/runtime/random_graph.hpp
/// Written models whose operators may write over their inputs, with outputs computed the plain way: every tensor in
/// memory of its own, every operator by its reference.
#pragma once

#include <algorithm>
#include <kinglet/kernels/add/reference.hpp>
#include <kinglet/kernels/pool/reference.hpp>
#include <kinglet/kernels/quantize/reference.hpp>
#include <kinglet/kernels/softmax/reference.hpp>
#include <kinglet/model/writer.hpp>
#include <support/random.hpp>

#include "engine.hpp"

namespace test {

/// int8 tensors of 1 x 4 x 4 x 6 and profile tflm. Operators read any earlier tensors, so many are read late or twice.
class RandomGraph {
 public:
  using Elements = std::vector<std::int8_t>;
  static constexpr std::size_t size = 96;

  explicit RandomGraph(std::uint64_t seed) : random_(seed) {
    const int inputs = random_.in(1, 3);
    for (int i = 0; i < inputs; ++i) {
      inputs_.push_back(add_tensor({0.5F, random_.in(-9, 9)}, noise(), false));
    }
    add_tensor({0.25F, 3}, noise(), true);
    const int operators = random_.in(1, 12);
    for (int i = 0; i < operators; ++i) {
      add_operator();
    }
    const int outputs = random_.in(1, 4);
    for (int i = 0; i < outputs;
         ++i) {  // any tensor: an input, a constant, one that is read later, one twice
      outputs_.push_back(random_.one_in(3) ? last() : random_.in(0, last()));
    }
    writer_.set_inputs(inputs_);
    writer_.set_outputs(outputs_);
  }

  [[nodiscard]] Bytes file() { return writer_.finish(); }
  [[nodiscard]] std::vector<Bytes> inputs() const { return bytes_of_all(inputs_); }
  [[nodiscard]] std::vector<Bytes> outputs() const { return bytes_of_all(outputs_); }
  /// What operator i writes.
  [[nodiscard]] Bytes written_by(std::int32_t i) const {
    return bytes_of(values_[static_cast<std::size_t>(written_[static_cast<std::size_t>(i)])]);
  }

 private:
  [[nodiscard]] std::int32_t last() const { return static_cast<std::int32_t>(values_.size()) - 1; }
  Elements noise() {
    Elements e(size);
    std::generate(e.begin(), e.end(), [&] { return random_.element<std::int8_t>(); });
    return e;
  }
  [[nodiscard]] std::vector<Bytes> bytes_of_all(const std::vector<std::int32_t>& tensors) const {
    std::vector<Bytes> result;
    for (const std::int32_t t : tensors) {
      result.push_back(bytes_of(values_[static_cast<std::size_t>(t)]));
    }
    return result;
  }
  std::int32_t add_tensor(kinglet::PerTensor q, const Elements& values, bool constant) {
    kinglet::TensorSpec spec{.name = "t" + std::to_string(values_.size()),
                             .shape = {1, 4, 4, 6},
                             .scales = {q.scale},
                             .zero_points = {q.zero_point}};
    if (constant) {
      spec.constant = std::as_bytes(std::span(values));
    }
    quantization_.push_back(q);
    values_.push_back(values);
    return writer_.add_tensor(spec);
  }
  /// The tensor last written in most cases, so that operators often are their inputs' last readers.
  std::int32_t pick() { return random_.one_in(2) ? last() : random_.in(0, last()); }

  void add_operator() {
    using namespace kinglet;
    using R = profile::tflm::elementwise;
    const std::int32_t a = pick();
    const std::int32_t b = pick();
    const auto x = static_cast<std::size_t>(a);
    PerTensor q{0.25F * static_cast<float>(random_.in(1, 4)), random_.in(-9, 9)};
    const Nhwc shape{1, 4, 4, 6};
    Elements y(size);
    std::int32_t out = 0;
    switch (random_.in(0, 4)) {
      case 0:
      case 1: {
        const auto z = static_cast<std::size_t>(b);
        add::Reference::run<R>(
            add::Addition<std::int8_t, Nhwc, Nhwc, Nhwc>{
                {values_[x].data(), shape}, {values_[z].data(), shape}, {y.data(), shape}},
            add::make_add_quantization<std::int8_t>(quantization_[x], quantization_[z], q, Activation::none));
        out = add_tensor(q, y, false);
        writer_.add_operator(BuiltinOperator::add, {a, b}, {out}, AddOptions{});
        break;
      }
      case 2:
        quantize::Reference::run<R, std::int8_t, std::int8_t>(
            values_[x], y.data(), quantize::make_requantize_quantization<std::int8_t>(quantization_[x], q));
        out = add_tensor(q, y, false);
        writer_.add_operator(BuiltinOperator::quantize, {a}, {out});
        break;
      case 3:
        out = add_tensor(quantization_[x], values_[x], false);
        writer_.add_operator(BuiltinOperator::reshape, {a}, {out}, ReshapeOptions{});
        break;
      default:  // not in place: a window reads what its neighbours have overwritten
        pool::ReferenceMax::run(
            {{1, 1, 1, 1, 1, 1}, 3, 3},
            pool::PoolTensors<std::int8_t, Nhwc, Nhwc>{{values_[x].data(), shape}, {y.data(), shape}},
            ActivationRange{-128, 127});
        out = add_tensor(quantization_[x], y, false);
        writer_.add_operator(BuiltinOperator::max_pool_2d, {a}, {out},
                             Pool2DOptions{.filter_h = 3, .filter_w = 3});
        break;
    }
    written_.push_back(out);
  }

  Random random_;
  kinglet::ModelWriter writer_;
  std::vector<Elements> values_;
  std::vector<kinglet::PerTensor> quantization_;
  std::vector<std::int32_t> inputs_;
  std::vector<std::int32_t> outputs_;
  std::vector<std::int32_t> written_;
};

}  // namespace test
