// SPDX-License-Identifier: Apache-2.0
/// @file model/verify_graph.hpp
/// The checks of an untrusted file's graph: indexes inside their tables, then the order of operators.
#pragma once

#include <array>
#include <kinglet/model/verify_tensor.hpp>

namespace kinglet::inline KINGLET_TARGET::detail {

/// Whether indexes may say "absent".
enum class Absent : std::uint8_t { allowed, refused };

/// Tensor indexes of an operator or of the graph itself.
inline Status verify_list(std::span<const std::int32_t> list, Absent absent, std::size_t tensors,
                          Work& work) noexcept {
  for (const std::int32_t tensor : list) {
    const bool is_absent = tensor == -1 && absent == Absent::allowed;
    if (!is_absent && (tensor < 0 || static_cast<std::size_t>(tensor) >= tensors)) {
      return Status::failure(Errc::bad_index, "tensor", tensor, static_cast<std::int64_t>(tensors) - 1);
    }
  }
  return work.spend(list.size());
}

inline Status verify_operator(const schema::Model& model, const schema::Operator& op, Work& work) noexcept {
  const std::size_t tensors = count(entry(model.subgraphs(), 0).tensors());
  if (const Status status = verify_list(list(op.inputs()), Absent::allowed, tensors, work); !status.ok()) {
    return status;
  }
  return verify_list(list(op.outputs()), Absent::refused, tensors, work);
}

/// Precondition: there is a subgraph.
inline Status verify_indexes(const schema::Model& model, Work& work) noexcept {
  const schema::SubGraph& graph = entry(model.subgraphs(), 0);
  for (std::size_t i = 0; i < count(graph.operators()); ++i) {
    const schema::Operator& op = entry(graph.operators(), i);
    const auto index = static_cast<std::int32_t>(i);
    if (op.opcode_index() >= count(model.operator_codes())) {
      return Status::failure(Errc::bad_index, "operator code", std::int64_t{op.opcode_index()},
                             static_cast<std::int64_t>(count(model.operator_codes())) - 1)
          .at_operator(index, {});
    }
    if (const Status status = verify_operator(model, op, work); !status.ok()) {
      return status.at_operator(index, name_of(entry(model.operator_codes(), op.opcode_index())));
    }
  }
  const std::size_t tensors = count(graph.tensors());
  if (const Status status = verify_list(list(graph.inputs()), Absent::refused, tensors, work); !status.ok()) {
    return status;
  }
  return verify_list(list(graph.outputs()), Absent::refused, tensors, work);
}

/// Follows which tensors of one range have a value while the operators run in order.
class OrderCheck {
 public:
  /// Tensors at a time: 256 bytes of stack, and at most 32 walks over the operators of the largest graph.
  static constexpr std::size_t width = 2048;

  OrderCheck(const schema::Model& model, std::size_t begin) noexcept
      : model_(model), graph_(entry(model.subgraphs(), 0)), begin_(begin) {}

  /// Constants and variables have a value from the start, then graph inputs, then what operators write, once each.
  /// Operators read, and the graph returns, only what has a value.
  Status run() noexcept {
    const std::size_t end = std::min(begin_ + width, count(graph_.tensors()));
    for (std::size_t i = begin_; i < end; ++i) {
      const schema::Tensor& tensor = entry(graph_.tensors(), i);
      if (tensor.is_variable() || !constant_of(model_, tensor).empty()) {
        set(i);
      }
    }
    for (const std::int32_t t : list(graph_.inputs())) {
      if (!write(t)) {
        return at(t, "a graph input is a constant, a variable or listed twice");
      }
    }
    for (std::size_t i = 0; i < count(graph_.operators()); ++i) {
      const schema::Operator& op = entry(graph_.operators(), i);
      if (const Status status = step(op); !status.ok()) {
        return status.at_operator(static_cast<std::int32_t>(i),
                                  name_of(entry(model_.operator_codes(), op.opcode_index())));
      }
    }
    for (const std::int32_t t : list(graph_.outputs())) {
      if (!readable(t)) {
        return at(t, "no operator writes this graph output");
      }
    }
    return {};
  }

 private:
  Status step(const schema::Operator& op) noexcept {
    for (const std::int32_t t : list(op.inputs())) {
      if (!readable(t)) {
        return at(t, "it is read before an operator writes it");
      }
    }
    for (const std::int32_t t : list(op.outputs())) {
      if (!write(t)) {
        return at(t,
                  "it is written, but has a value already: a constant, a variable, a graph input, or written "
                  "twice");
      }
    }
    return {};
  }
  [[nodiscard]] Status at(std::int32_t tensor, std::string_view detail) const noexcept {
    const auto i = static_cast<std::size_t>(tensor);
    return Status::failure(Errc::bad_graph, detail)
        .at_tensor(tensor, text(entry(graph_.tensors(), i).name()));
  }

  // Indexes outside the range are another walk's business; absent ones (-1) are no one's.
  [[nodiscard]] bool inside(std::int32_t t) const noexcept {
    return t >= 0 && static_cast<std::size_t>(t) >= begin_ && static_cast<std::size_t>(t) - begin_ < width;
  }
  [[nodiscard]] bool readable(std::int32_t t) const noexcept {
    return !inside(t) || has(static_cast<std::size_t>(t));
  }
  /// @return false when the tensor has a value already.
  bool write(std::int32_t t) noexcept {
    if (!inside(t)) {
      return true;
    }
    const bool first = !has(static_cast<std::size_t>(t));
    set(static_cast<std::size_t>(t));
    return first;
  }
  [[nodiscard]] bool has(std::size_t t) const noexcept {
    return (bits_[(t - begin_) / 32] >> ((t - begin_) % 32) & 1U) != 0;
  }
  void set(std::size_t t) noexcept { bits_[(t - begin_) / 32] |= 1U << ((t - begin_) % 32); }

  const schema::Model& model_;
  const schema::SubGraph& graph_;
  std::size_t begin_;
  std::array<std::uint32_t, width / 32> bits_{};
};

/// Precondition: verify_tensors and verify_indexes found nothing.
inline Status verify_order(const schema::Model& model) noexcept {
  const std::size_t tensors = count(entry(model.subgraphs(), 0).tensors());
  for (std::size_t begin = 0; begin < tensors; begin += OrderCheck::width) {
    if (const Status status = OrderCheck(model, begin).run(); !status.ok()) {
      return status;
    }
  }
  return {};
}

}  // namespace kinglet::inline KINGLET_TARGET::detail
