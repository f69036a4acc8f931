// SPDX-License-Identifier: Apache-2.0
/// @file classes.cpp
#include "classes.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "failure.hpp"
#include "files.hpp"

namespace cli {

using kinglet::BuiltinOperator;
using kinglet::ElementType;

bool is_class_vector(const kinglet::TensorInfo& tensor) noexcept {
  const bool readable =
      tensor.type == ElementType::float32 ||
      (tensor.is_quantized() && (tensor.type == ElementType::int8 || tensor.type == ElementType::uint8 ||
                                 tensor.type == ElementType::int16));
  return readable &&
         std::count_if(tensor.shape.begin(), tensor.shape.end(), [](std::int32_t e) { return e != 1; }) <= 1;
}

std::vector<double> dequantize(const kinglet::TensorInfo& tensor, std::span<const std::byte> bytes) {
  const kinglet::PerTensor q = tensor.per_tensor();
  std::vector<double> values(tensor.elements());
  const auto read = [&]<class T>(T) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      T value;
      std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
      values[i] = std::is_same_v<T, float>
                      ? static_cast<double>(value)
                      : static_cast<double>(q.scale) * (static_cast<double>(value) - q.zero_point);
    }
  };
  switch (tensor.type) {
    case ElementType::int8: read(std::int8_t{}); break;
    case ElementType::uint8: read(std::uint8_t{}); break;
    case ElementType::int16: read(std::int16_t{}); break;
    default: read(float{}); break;
  }
  return values;
}

bool ends_in_probabilities(const kinglet::Model& model) noexcept {
  std::int32_t tensor = model.outputs().empty() ? -1 : model.outputs()[0];
  // From the last operator to the first: what only changes type or shape leads to its input.
  for (std::int32_t i = model.operator_count(); i-- > 0;) {
    const kinglet::OperatorInfo op = model.op(i);
    if (op.output(0) != tensor) {
      continue;
    }
    switch (op.code) {
      case BuiltinOperator::softmax:
      case BuiltinOperator::logistic: return true;
      case BuiltinOperator::quantize:
      case BuiltinOperator::dequantize:
      case BuiltinOperator::reshape:
      case BuiltinOperator::squeeze: tensor = op.input(0); break;
      default: return false;
    }
  }
  return false;
}

void softmax(std::vector<double>& values) noexcept {
  if (values.empty()) {
    return;
  }
  const double highest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (double& value : values) {
    value = std::exp(value - highest);
    sum += value;
  }
  for (double& value : values) {
    value /= sum;
  }
}

std::vector<std::size_t> largest(const std::vector<double>& values, std::size_t count) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [&](std::size_t i) {
    return std::isnan(values[i]) ? -std::numeric_limits<double>::infinity() : values[i];
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) > key(b); });
  order.resize(std::min(count, order.size()));
  return order;
}

namespace {

/// "background", "__background__", "???" and the like: names of a class that stands for none.
bool is_background(std::string name) {
  std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name.empty() || name == "background" || name == "none" || name == "unused" || name == "dummy" ||
         name == "unknown" || name == "unlabeled" || name == "other";
}

}  // namespace

Labels read_labels(const std::string& path, std::size_t classes) {
  const std::vector<std::byte> bytes = read_file(path, std::size_t{1} << 28);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Labels labels;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    std::string_view line = text.substr(start, end - start);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    labels.names.emplace_back(line);
    start = end + 1;
  }
  while (labels.names.size() > classes && labels.names.back().empty()) {
    labels.names.pop_back();
  }
  if (labels.names.size() == classes + 1 && is_background(labels.names.front())) {
    labels.names.erase(labels.names.begin());
    labels.skipped_background = true;
  }
  if (labels.names.size() != classes) {
    throw Failure("'" + path + "' has " + std::to_string(labels.names.size()) +
                  " labels, but the model has " + std::to_string(classes) + " classes");
  }
  return labels;
}

}  // namespace cli
