// SPDX-License-Identifier: Apache-2.0
/// @file tests/runtime/spoilt.hpp
/// Operators that run, with one thing after another made wrong, and the message that each is to give.
#pragma once

#include <functional>

#include "one_operator.hpp"

namespace test {

using namespace kinglet;

/// Tensors of one operator, to be spoilt one at a time.
struct Operands {
  TensorSpec a;    ///< a graph input
  TensorSpec b{};  ///< weights, second summand, axes, paddings; no name: none; "-": absent
  TensorSpec c{};  ///< bias; no name: none
  TensorSpec result;
  std::int32_t version = 1;
  bool b_is_constant = true;
  bool c_is_constant = true;
  std::vector<std::int32_t> integers{};  ///< contents of b where they matter
  std::vector<std::int64_t> wide{};      ///< contents of c where they matter
};

inline Bytes bytes_for(const TensorSpec& spec) {
  return Bytes(size_of(spec.shape) * spec.type.bits() / 8, std::byte{0});
}

template <class Options>
Bytes write(BuiltinOperator code, const Operands& o, const Options& options) {
  OneOperator model;
  model.input(o.a);
  const auto add = [&](const TensorSpec& spec, bool constant) {
    if (spec.name == "-") {
      model.absent();
    } else if (spec.name.empty()) {
      return;
    } else if (!constant) {
      model.input(spec);
    } else if (!o.wide.empty() && spec.type.element() == ElementType::int64) {
      model.constant(spec, o.wide);
    } else if (!o.integers.empty() && spec.name == o.b.name) {
      model.constant(spec, o.integers);
    } else {
      model.constant(spec, bytes_for(spec));
    }
  };
  add(o.b, o.b_is_constant);
  add(o.c, o.c_is_constant);
  return model.finish({code, o.version}, o.result, options);
}

inline std::string failure(const Bytes& file) {
  return run_model<kinglet::profile::tflm>(file, {}).failure;
}

/// The good operands run; spoilt ones fail in these words.
template <class Options>
class Spoilt {
 public:
  Spoilt(BuiltinOperator code, const Operands& good, const Options& options)
      : code_(code), good_(good), options_(options) {
    CHECK(failure(write(code_, good_, options_)) == "");
  }
  void says(const std::string& tensor, Errc code, const std::string& detail,
            const std::function<void(Operands&)>& spoil) const {
    Operands o = good_;
    spoil(o);
    CHECK(failure(write(code_, o, options_)) == expected(tensor, code, detail));
  }
  /// The newest version that is taken, and the words for the one after.
  void is_too_new_after(std::int32_t newest) const {
    Operands o = good_;
    o.version = newest;
    CHECK(failure(write(code_, o, options_)) == "");
    o.version = newest + 1;
    CHECK(failure(write(code_, o, options_)) == expected("", Errc::unsupported_version,
                                                         "version (found " + std::to_string(newest + 1) +
                                                             ", limit " + std::to_string(newest) + ")"));
  }
  void says_of_options(const std::string& tensor, Errc code, const std::string& detail,
                       const std::function<void(Options&)>& spoil) const {
    Options options = options_;
    spoil(options);
    CHECK(failure(write(code_, good_, options)) == expected(tensor, code, detail));
  }

 private:
  [[nodiscard]] std::string expected(const std::string& tensor, Errc code, const std::string& detail) const {
    return "operator 0 " + std::string(operator_name(code_)) + (tensor.empty() ? "" : ", ") + tensor + ": " +
           std::string(sentence(code)) + ": " + detail;
  }

  BuiltinOperator code_;
  Operands good_;
  Options options_;
};

template <class T>
TensorSpec spec(const std::string& name, const Shape& shape, PerTensor q = {0.5F, 0}) {
  return tensor<T>(name, shape, q);
}

}  // namespace test
