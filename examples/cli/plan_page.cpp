// SPDX-License-Identifier: Apache-2.0
/// @file plan_page.cpp
/// A memory plan as a page: the arena's bytes upwards, operators to the right, a rectangle for every buffer.
#include <algorithm>

#include "inspection.hpp"
#include "text.hpp"

namespace cli {
namespace {

constexpr double picture_width = 1200;
constexpr double picture_height = 560;
constexpr double left = 90;
constexpr double top = 24;
constexpr double bottom = 40;

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : one_line(text)) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += c; break;
    }
  }
  return result;
}

/// What a buffer is, as a class of the page's style.
std::string kind_of(const kinglet::Model& model, const PlannedBuffer& buffer) {
  if (buffer.tensor < 0) {
    return "scratch";
  }
  const auto is_end = [&](std::span<const std::int32_t> ends) {
    return std::ranges::count(ends, buffer.tensor) != 0;
  };
  return is_end(model.inputs()) || is_end(model.outputs()) ? "end" : buffer.rows != 0 ? "line" : "whole";
}

std::string step_name(const kinglet::Model& model, std::int32_t step) {
  return step < 0                         ? "before the first operator"
         : step >= model.operator_count() ? "after the last operator"
                                          : std::to_string(step) + " " + std::string(model.op(step).name);
}

std::string owner_of(const kinglet::Model& model, const PlannedBuffer& buffer) {
  if (buffer.tensor < 0) {
    return "scratch of operator " + step_name(model, buffer.op);
  }
  const kinglet::TensorInfo tensor = model.tensor(buffer.tensor);
  return "tensor " + std::to_string(buffer.tensor) + " " + shape_text(tensor.shape) +
         (buffer.rows != 0 ? ", " + std::to_string(buffer.rows) + " rows of it, " : " ") +
         std::string(tensor.name);
}

/// The other tensors whose rows lie in the same line buffer.
std::string sharing(const Plan& plan, const PlannedBuffer& buffer) {
  std::string names;
  for (const PlannedBuffer& other : plan.buffers) {
    const bool same = other.request.offset == buffer.request.offset &&
                      other.request.bytes == buffer.request.bytes &&
                      other.request.lifetime == buffer.request.lifetime;
    if (buffer.rows != 0 && other.rows != 0 && same && other.tensor != buffer.tensor) {
      names += (names.empty() ? "; lies there with tensors " : ", ") + std::to_string(other.tensor);
    }
  }
  return names;
}

std::string details(const kinglet::Model& model, const Plan& plan, const PlannedBuffer& buffer) {
  const kinglet::BufferRequest& r = buffer.request;
  return escaped(owner_of(model, buffer) + format("; %zu bytes at %zu; alive from ", r.bytes, r.offset) +
                 step_name(model, r.lifetime.first) + " to " + step_name(model, r.lifetime.last) +
                 sharing(plan, buffer));
}

/// Positions in the picture.
class Scale {
 public:
  Scale(const kinglet::Model& model, std::size_t arena_bytes)
      : column_((picture_width - left) / static_cast<double>(model.operator_count() + 2)),
        byte_((picture_height - bottom - top) / static_cast<double>(std::max<std::size_t>(arena_bytes, 1))) {}
  [[nodiscard]] double x(std::int32_t step) const { return left + column_ * (step + 1); }
  [[nodiscard]] double y(std::size_t offset) const {
    return picture_height - bottom - byte_ * static_cast<double>(offset);
  }
  [[nodiscard]] double column() const { return column_; }

 private:
  double column_;
  double byte_;
};

std::string axes(const kinglet::Model& model, const Plan& plan, const Scale& scale) {
  std::string svg =
      format("<text x=\"%.1f\" y=\"12\" text-anchor=\"end\">bytes</text>\n", left - 6) +
      format("<text x=\"%.1f\" y=\"%.1f\">operators</text>\n", 0.0, picture_height - bottom + 16);
  const std::size_t arena = plan.needs.arena_bytes;
  for (std::size_t k = 0; k <= 4; ++k) {
    const std::size_t at = arena * k / 4;
    svg +=
        format("<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", left, picture_width,
               scale.y(at), scale.y(at)) +
        format("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%zu</text>\n", left - 6, scale.y(at) + 4, at);
  }
  const std::int32_t every = std::max(1, model.operator_count() / 24);
  for (std::int32_t i = 0; i < model.operator_count(); i += every) {
    svg += format("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%d</text>\n",
                  scale.x(i) + scale.column() / 2, picture_height - bottom + 16, i);
  }
  for (const Chain& chain : plan.chains) {
    svg += format("<rect class=\"chain\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"8\">",
                  scale.x(chain.first) + 1, picture_height - bottom + 22,
                  scale.column() * (chain.last - chain.first + 1) - 2) +
           format("<title>operators %d to %d run row by row, together</title></rect>\n", chain.first,
                  chain.last);
  }
  return svg;
}

}  // namespace

std::string plan_page(const Inspection& inspection) {
  const kinglet::Model& model = inspection.file.model();
  const Plan& plan = *inspection.plan;
  const kinglet::MemoryNeeds& needs = plan.needs;
  const Scale scale(model, needs.arena_bytes);
  std::string svg;
  std::string rows;
  for (const PlannedBuffer& buffer : plan.buffers) {
    const kinglet::BufferRequest& r = buffer.request;
    const std::string kind = kind_of(model, buffer);
    const std::string text = details(model, plan, buffer);
    const double upper = scale.y(r.offset + r.bytes);
    svg += format("<rect class=\"%s\" x=\"%.1f\" y=\"%.2f\" width=\"%.1f\" height=\"%.2f\">", kind.c_str(),
                  scale.x(r.lifetime.first), upper, scale.column() * (r.lifetime.last - r.lifetime.first + 1),
                  scale.y(r.offset) - upper) +
           "<title>" + text + "</title></rect>\n";
    rows += "<tr><td><span class=\"key " + kind + "\"></span></td><td class=\"owner\" title=\"" + text +
            "\">" + escaped(owner_of(model, buffer)) + "</td>" +
            format("<td class=\"n\">%zu</td><td class=\"n\">%zu</td>", r.bytes, r.offset) + "<td>" +
            escaped(step_name(model, r.lifetime.first)) + "</td><td>" +
            escaped(step_name(model, r.lifetime.last)) + "</td></tr>\n";
  }
  const auto figure = [](const char* name, std::size_t bytes, const char* what) {
    return format("<tr><th>%s</th><td class=\"n\">%zu</td><td>%s</td></tr>\n", name, bytes, what);
  };
  return R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Memory plan</title>
<style>
body { font: 14px/1.4 system-ui, sans-serif; margin: 24px; color: #222; background: #fff; }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: #555; }
.grid { stroke: #ddd; } svg rect { stroke: #fff; stroke-width: .6; } svg rect:hover { stroke: #000; stroke-width: 1.5; }
.end { fill: #4e79a7; background: #4e79a7; } .whole { fill: #76b7b2; background: #76b7b2; }
.line { fill: #f28e2b; background: #f28e2b; } .scratch { fill: #bab0ac; background: #bab0ac; }
.chain { fill: #b07aa1; background: #b07aa1; }
.key { display: inline-block; width: 12px; height: 12px; margin-right: 4px; }
table { border-collapse: collapse; } td, th { padding: 2px 10px 2px 0; text-align: left; font-weight: normal; }
td.owner { max-width: 60ch; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
td.n { text-align: right; font-variant-numeric: tabular-nums; } th { color: #555; }
</style></head><body>
<h1>Memory plan of )" +
         escaped(inspection.file.name()) + "</h1>\n<p>Aim " + escaped(inspection.engine.aim) + ", profile " +
         escaped(inspection.engine.profile) + ", target " + escaped(inspection.target) + ", weights " +
         escaped(inspection.engine.weights) +
         ". Bytes of the arena upwards, operators to the right; point at a buffer to see whose it "
         "is.</p>\n<table>\n" +
         figure("arena", needs.arena_bytes, "activations, line buffers, sums, scratch") +
         figure("lower bound", needs.lower_bound, "most of these buffers' bytes alive at one time") +
         figure("packed", needs.packed_weight_bytes,
                "weights as kernels want them, multipliers, kernels' arguments") +
         figure("state", needs.state_bytes, "the executor's own tables") +
         figure("constants", needs.constant_bytes, "used in place from the file") +
         "</table>\n<p><span class=\"key end\"></span>input or output &nbsp; <span class=\"key "
         "whole\"></span>whole tensor "
         "&nbsp; <span class=\"key line\"></span>line buffer &nbsp; <span class=\"key "
         "scratch\"></span>scratch &nbsp; "
         "<span class=\"key chain\"></span>operators that run row by row, together</p>\n" +
         format("<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"memory plan\">\n", picture_width,
                picture_height) +
         axes(model, plan, scale) + svg +
         "</svg>\n<h2>Buffers</h2>\n<table>\n<tr><th></th><th>owner</th><th>bytes</th><th>offset</"
         "th><th>from</th>"
         "<th>to</th></tr>\n" +
         rows + "</table>\n</body></html>\n";
}

}  // namespace cli
