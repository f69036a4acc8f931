// SPDX-License-Identifier: Apache-2.0
/// @file inspection_text.cpp
#include <algorithm>

#include "inspection.hpp"
#include "text.hpp"

namespace cli {
namespace {

/// A name of a tensor or operator that fits a column: long ones keep their end, which tells them apart.
std::string name_column(std::string_view name, std::size_t width) {
  std::string text = one_line(name);
  if (text.size() > width) {
    text = "..." + text.substr(text.size() - (width - 3));
  }
  return text + std::string(width - text.size(), ' ');
}

std::string right(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

std::string number(std::uint64_t value, std::size_t width) {
  return right(std::to_string(value), width);
}

std::string quantization_text(const kinglet::TensorInfo& tensor) {
  if (!tensor.is_quantized()) {
    return "";
  }
  if (tensor.scale.size() > 1) {
    return format("%zu scales, dimension %d", tensor.scale.size(), tensor.quantized_dimension);
  }
  return format("scale %.9g, zero point %d", static_cast<double>(tensor.scale[0]), tensor.zero_point());
}

std::string tensor_lines(const kinglet::Model& model) {
  std::string text = "Tensors\n   index  type     shape               constant  quantization, name\n";
  for (std::int32_t i = 0; i < model.tensor_count(); ++i) {
    const kinglet::TensorInfo t = model.tensor(i);
    const std::string quantization = quantization_text(t);
    text += number(static_cast<std::uint64_t>(i), 8) + "  " + name_column(t.type_name, 8) + " " +
            name_column(shape_text(t.shape), 16) +
            right(t.is_constant() ? std::to_string(t.constant.size()) : "-", 11) + "  " + quantization +
            (quantization.empty() ? "" : ", ") + "'" + one_line(t.name) + "'" +
            (t.is_variable ? " (variable)" : "") + "\n";
  }
  return text;
}

std::string operator_lines(const kinglet::Model& model) {
  std::string text =
      "Operators\n   index  name                    output              type            MACs     weights\n";
  for (std::int32_t i = 0; i < model.operator_count(); ++i) {
    const kinglet::OperatorInfo op = model.op(i);
    const bool has_output = op.output(0) >= 0;
    const kinglet::TensorInfo output = has_output ? model.tensor(op.output(0)) : kinglet::TensorInfo{};
    text += number(static_cast<std::uint64_t>(i), 8) + "  " + name_column(op.name, 22) + "  " +
            name_column(has_output ? shape_text(output.shape) : "-", 18) + "  " +
            name_column(output.type_name, 8) + number(count_macs(model, op), 12) +
            number(weight_bytes(model, op), 12) + "\n";
  }
  return text;
}

std::string totals(const Inspection& inspection) {
  const kinglet::Model& model = inspection.file.model();
  std::string text = format("%d operators, %d tensors, %zu bytes of file\n", model.operator_count(),
                            model.tensor_count(), inspection.file.size());
  text += "MACs            " + number(inspection.macs, 12) + "\n";
  text += "constant bytes  " + number(inspection.constant_bytes, 12) + "  used in place\n";
  if (inspection.plan) {
    const kinglet::MemoryNeeds& needs = inspection.plan->needs;
    text += "arena bytes     " + number(needs.arena_bytes, 12) +
            format("  at least %zu in any plan\n", needs.lower_bound);
    text += "packed bytes    " + number(needs.packed_weight_bytes, 12) +
            "  multipliers and copies of constants\n";
    text += "state bytes     " + number(needs.state_bytes, 12) + "\n";
  }
  return text;
}

std::string ends(const kinglet::Model& model, const char* word, std::span<const std::int32_t> tensors) {
  std::string text;
  for (const std::int32_t i : tensors) {
    const kinglet::TensorInfo t = model.tensor(i);
    text += std::string(word) + " " + std::to_string(i) + ": " + std::string(t.type_name) + " " +
            shape_text(t.shape) + " '" + one_line(t.name) + "'\n";
  }
  return text;
}

}  // namespace

std::string plan_text(const kinglet::Model& model, const Plan& plan) {
  // Time is split into steps -1 (inputs are written), 0 .. n-1 (operators), n (outputs are read).
  const auto steps = static_cast<std::size_t>(model.operator_count()) + 2;
  const std::size_t columns = std::min<std::size_t>(steps, 66);
  const auto column = [&](std::int32_t step) { return static_cast<std::size_t>(step + 1) * columns / steps; };
  std::string text;
  for (const Chain& chain : plan.chains) {
    text += chain.first == chain.last
                ? format("Operator %d runs row by row\n", chain.first)
                : format("Operators %d to %d run row by row, together\n", chain.first, chain.last);
  }
  for (const Folded& folded : plan.folded) {
    text +=
        format("Operator %d, a PAD, does not run: operator %d does it on the way\n", folded.op, folded.into);
  }
  text += plan.chains.empty() && plan.folded.empty() ? "" : "\n";
  text += "Memory plan: bytes at offset in the arena, alive from the first # to the last";
  text += columns == steps ? " (a column an operator)\n"
                           : format(" (a column %.1f operators)\n",
                                    static_cast<double>(steps) / static_cast<double>(columns));
  for (const PlannedBuffer& buffer : plan.buffers) {
    const kinglet::BufferRequest& r = buffer.request;
    std::string bar(columns, '.');
    const std::size_t first = column(r.lifetime.first);
    bar.replace(first, column(r.lifetime.last) - first + 1, column(r.lifetime.last) - first + 1, '#');
    const std::string who = buffer.tensor < 0 ? "operator " + std::to_string(buffer.op) + ", scratch"
                                              : number(static_cast<std::uint64_t>(buffer.tensor), 5) + " " +
                                                    name_column(model.tensor(buffer.tensor).name, 26);
    const std::string rows = buffer.rows == 0 ? "" : format("  %d rows", buffer.rows);
    text +=
        "  " + name_column(who, 32) + number(r.bytes, 10) + number(r.offset, 10) + "  " + bar + rows + "\n";
  }
  return text;
}

std::string inspection_text(const Inspection& inspection) {
  const kinglet::Model& model = inspection.file.model();
  std::string text = one_line(inspection.file.name()) + "\n";
  if (!model.description().empty()) {
    text += "description: " + one_line(model.description()) + "\n";
  }
  text += ends(model, "input", model.inputs()) + ends(model, "output", model.outputs()) + "\n";
  text += operator_lines(model) + "\n" + tensor_lines(model) + "\n" + totals(inspection) + "\n";
  if (inspection.plan) {
    return text + plan_text(model, *inspection.plan);
  }
  text += "No memory plan, because this model cannot run:\n";
  for (const std::string& problem : inspection.problems) {
    text += "  " + one_line(problem) + "\n";
  }
  return text;
}

}  // namespace cli
