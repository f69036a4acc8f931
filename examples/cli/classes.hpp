// SPDX-License-Identifier: Apache-2.0
/// @file classes.hpp
/// From a model's output to classes with probabilities and names.
#pragma once

#include <kinglet/model/model.hpp>
#include <string>
#include <vector>

namespace cli {

/// At most one extent other than 1, of a type that can be dequantized.
bool is_class_vector(const kinglet::TensorInfo& tensor) noexcept;

/// scale * (q - zero_point), or the floats as they are. Precondition: is_class_vector(tensor).
std::vector<double> dequantize(const kinglet::TensorInfo& tensor, std::span<const std::byte> bytes);

/// The model's first output holds probabilities already: it comes from SOFTMAX or LOGISTIC.
bool ends_in_probabilities(const kinglet::Model& model) noexcept;

/// e^x / sum of e^x
void softmax(std::vector<double>& values) noexcept;

/// Indexes of the `count` largest, largest first; of equals, the lower index first; what is no number last.
std::vector<std::size_t> largest(const std::vector<double>& values, std::size_t count);

struct Labels {
  std::vector<std::string> names;
  bool skipped_background = false;  ///< the file had one line more, for a class the model does not have
};

/// A Failure when the file's lines cannot be the names of so many classes.
Labels read_labels(const std::string& path, std::size_t classes);

}  // namespace cli
