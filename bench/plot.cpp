// SPDX-License-Identifier: Apache-2.0
/// @file plot.cpp
/// Turns the JSON of bench_peers into one self-contained SVG: times of whole networks as bars, and below them, for
/// every layer, the peer's time over Kinglet's.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

using Json = nlohmann::json;

constexpr double width = 900;
constexpr double bar_start = 330;
constexpr double bar_room = 480;
constexpr double row_height = 20;

struct Bar {
  std::string label;
  double value;
  std::string color;
};

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    safe += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  }
  return safe;
}

std::string number(double value, const char* format) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

class Drawing {
 public:
  void text(double x, const std::string& words, const std::string& attributes = "") {
    body_ += "<text x=\"" + number(x, "%.0f") + "\" y=\"" + number(y_ + 14, "%.0f") + "\" " + attributes +
             ">" + escaped(words) + "</text>\n";
  }
  void heading(const std::string& words) {
    y_ += 12;
    text(10, words, "font-weight=\"bold\"");
    y_ += row_height + 4;
  }
  void line(const std::string& words) {
    text(10, words, "fill=\"#666\"");
    y_ += row_height;
  }
  /// @param mark a value that gets a line across all bars, such as 1 for ratios; 0 for none
  void bars(const std::vector<Bar>& all, double mark, const char* format) {
    double largest = mark;
    for (const Bar& bar : all) {
      largest = std::max(largest, bar.value);
    }
    const double top = y_;
    for (const Bar& bar : all) {
      const double length = bar.value / largest * bar_room;
      text(bar_start - 8, bar.label, "text-anchor=\"end\"");
      body_ += "<rect x=\"" + number(bar_start, "%.0f") + "\" y=\"" + number(y_ + 3, "%.0f") + "\" width=\"" +
               number(length, "%.1f") + "\" height=\"14\" fill=\"" + bar.color + "\"/>\n";
      text(bar_start + length + 6, number(bar.value, format));
      y_ += row_height;
    }
    if (mark > 0) {
      const std::string x = number(bar_start + mark / largest * bar_room, "%.1f");
      body_ += "<line x1=\"" + x + "\" x2=\"" + x + "\" y1=\"" + number(top, "%.0f") + "\" y2=\"" +
               number(y_, "%.0f") + "\" stroke=\"#333\"/>\n";
    }
  }
  [[nodiscard]] std::string svg() const {
    const std::string height = number(y_ + 10, "%.0f");
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(width, "%.0f") + "\" height=\"" +
           height + "\" viewBox=\"0 0 " + number(width, "%.0f") + " " + height +
           "\" font-family=\"sans-serif\" font-size=\"13\">\n"
           "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n" +
           body_ + "</svg>\n";
  }

 private:
  std::string body_;
  double y_ = 4;
};

void draw(Drawing& drawing, const Json& report) {
  const std::string target = report.at("target");
  drawing.heading(report.at("model").get<std::string>() + ", int8, " + target + ": ms of one run");
  drawing.line(report.at("processor").get<std::string>() + ", one thread, fastest of " +
               std::to_string(report.at("runs").get<int>()) + " runs by turns; peers are not bit-exact");
  std::vector<Bar> engines;
  for (const Json& row : report.at("network")) {
    const std::string engine = row.at("engine");
    engines.push_back({engine, row.at("ms"), engine == "Kinglet" ? "#e8871e" : "#7a8ba3"});
  }
  drawing.bars(engines, 0, "%.2f");
  if (report.at("layers").empty()) {
    return;
  }
  drawing.heading("oneDNN's time over Kinglet's, layer by layer: right of the line, Kinglet is faster");
  std::vector<Bar> layers;
  for (const Json& row : report.at("layers")) {
    const double ratio = row.at("ratio");
    layers.push_back({row.at("operator").get<std::string>() + " " + row.at("layer").get<std::string>(), ratio,
                      ratio >= 1 ? "#e8871e" : "#7a8ba3"});
  }
  drawing.bars(layers, 1, "%.2f");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: bench_plot PEERS.json... > PLOT.svg\n", stderr);
    return 2;
  }
  Drawing drawing;
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i]);
    const Json report = Json::parse(file, nullptr, false);
    if (report.is_discarded()) {
      std::fprintf(stderr, "bench_plot: %s: not the JSON of bench_peers\n", argv[i]);
      return 1;
    }
    draw(drawing, report);
  }
  std::fputs(drawing.svg().c_str(), stdout);
  return 0;
}
