// SPDX-License-Identifier: Apache-2.0
/// @file house/layering.cpp
/// The house's order: includes point downwards, every header is dressed alike, and those for small machines keep
/// away from heap, exceptions and printing.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "headers.hpp"

namespace {

using house::Header;

// Lowest first; layers in one row stand side by side and do not see each other.
const std::vector<std::vector<std::string>> layers = {
    {"core"},     {"tensor", "memory"},   {"quant"}, {"isa"}, {"kernels"}, {"nn"}, {"model"}, {"runtime"},
    {"dispatch"}, {"optimize", "monitor"}};

int height(const std::string& layer) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (std::find(layers[i].begin(), layers[i].end(), layer) != layers[i].end()) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

bool may_include(const std::string& from, const std::string& to) {
  return from == to || (height(to) >= 0 && height(to) < height(from));
}

// Headers whose purpose needs a heap: they build files or bring their own memory.
bool for_workstations(const Header& header) {
  static const std::set<std::string> paths = {
      "kinglet/dispatch/owning_any_executor.hpp", "kinglet/memory/heap.hpp", "kinglet/model/writer.hpp",
      "kinglet/runtime/owning.hpp", "kinglet/runtime/owning_executor.hpp"};
  return height(header.layer()) == height("optimize") || paths.contains(header.path);
}

// What a header for small machines says that it should not; empty when all is well.
std::string unfit(const Header& header) {
  // Placement new constructs in memory that is there: `new (static_cast<void*>(p)) T`, never `new (std::nothrow) T`.
  static const std::regex words(
      R"(\b(malloc|calloc|realloc|throw|try|catch|typeid|dynamic_cast|delete(?!\s*;)|printf|fprintf|puts|abort|exit)\b)"
      R"(|\bnew\b(?!\s*\(\s*static_cast<void\*>|>))"
      R"(|\bstd::(vector|string|map|set|deque|list|function|unique_ptr|shared_ptr|cout|cerr|endl)\b)");
  static const std::set<std::string> includes = {
      "vector",  "string",  "map",     "set",    "deque",   "list",       "memory",        "iostream",
      "ostream", "sstream", "fstream", "cstdio", "stdio.h", "functional", "unordered_map", "regex"};
  std::smatch found;
  if (std::regex_search(header.code, found, words)) {
    return found.str();
  }
  for (const std::string& include : header.foreign_includes()) {
    if (includes.contains(include)) {
      return "<" + include + ">";
    }
  }
  return "";
}

std::string unfit_code(const std::string& code) {
  return unfit({"kinglet/core/x.hpp", code, house::code_of(code)});
}

}  // namespace

TEST_CASE("an include points to a lower layer or stays in its own folder") {
  for (const Header& header : house::all_headers()) {
    INFO(header.path);
    if (header.layer().empty()) {
      CHECK(header.path == "kinglet/kinglet.hpp");
      continue;
    }
    CHECK_MESSAGE(height(header.layer()) >= 0,
                  "an unknown layer: add it to this test and to the map in README");
    for (const std::string& include : header.includes()) {
      INFO("includes ", include);
      CHECK(may_include(header.layer(), Header{include, "", ""}.layer()));
    }
    for (const std::string& include : header.foreign_includes()) {
      INFO("includes ", include);
      CHECK(include.find("..") == std::string::npos);
      CHECK(header.text.find('"' + include + '"') == std::string::npos);  // <kinglet/...>, whole paths
    }
  }
}

TEST_CASE("every include names a header that exists") {
  std::set<std::string> paths = {"kinglet/model/schema_generated.hpp"};  // made when the build is configured
  for (const Header& header : house::all_headers()) {
    paths.insert(header.path);
  }
  for (const Header& header : house::all_headers()) {
    for (const std::string& include : header.includes()) {
      CHECK_MESSAGE(paths.contains(include), header.path, " includes ", include);
    }
  }
}

TEST_CASE("every header is dressed alike") {
  for (const Header& header : house::all_headers()) {
    INFO(header.path);
    CHECK(header.text.starts_with("// SPDX-License-Identifier: Apache-2.0\n/// @file " +
                                  header.path.substr(std::string("kinglet/").size()) + "\n"));
    CHECK(Header::matches(header.text, R"((#pragma once))").size() == 1);
    const bool has_no_names = header.layer().empty() || header.path == "kinglet/core/config.hpp" ||
                              header.path.starts_with("kinglet/isa/intrinsics_") ||
                              header.path == "kinglet/dispatch/interface.hpp";
    if (!has_no_names) {
      CHECK_MESSAGE(header.code.find("namespace kinglet::inline KINGLET_TARGET") != std::string::npos,
                    "names outside the target's namespace mix instruction sets");
      CHECK(header.code.find("namespace kinglet {") == std::string::npos);
      CHECK(header.code.find("namespace {") == std::string::npos);
      CHECK(header.code.find("using namespace") == std::string::npos);
    }
  }
}

TEST_CASE("what units of all targets share defines no function") {
  const std::vector<Header> headers = house::all_headers();
  const auto shared = std::find_if(headers.begin(), headers.end(), [](const Header& header) {
    return header.path == "kinglet/dispatch/interface.hpp";
  });
  REQUIRE(shared != headers.end());
  const std::regex body(R"(\)\s*(const\s*)?(noexcept\s*)?\{)");
  CHECK(!std::regex_search(shared->code, body));
  CHECK(std::regex_search(std::string("int f() const noexcept { return 1; }"), body));
  CHECK(shared->code.find("inline") == std::string::npos);
  CHECK(shared->code.find("template") == std::string::npos);
}

TEST_CASE("headers for small machines keep away from heap, exceptions and printing") {
  for (const Header& header : house::all_headers()) {
    if (!for_workstations(header)) {
      INFO(header.path);
      CHECK(unfit(header) == "");
      for (const std::string& include : header.includes()) {
        INFO(include);
        CHECK((header.layer().empty() ||
               !for_workstations(Header{include, "", ""})));  // the umbrella brings all
      }
    }
  }
}

TEST_CASE("the umbrella brings every header but those for workstations") {
  std::map<std::string, Header> by_path;
  for (const Header& header : house::all_headers()) {
    by_path.emplace(header.path, header);
  }
  std::set<std::string> reached;
  std::vector<std::string> open = {"kinglet/kinglet.hpp"};
  int previous = 0;
  for (const std::string& include : by_path.at(open[0]).includes()) {
    const int next = height(Header{include, "", ""}.layer());
    CHECK_MESSAGE(next >= previous, include, " comes too late: reading order is from the lowest layer up");
    previous = next;
  }
  while (!open.empty()) {
    const std::string path = open.back();
    open.pop_back();
    if (reached.insert(path).second && by_path.contains(path)) {
      for (const std::string& include : by_path.at(path).includes()) {
        open.push_back(include);
      }
    }
  }
  const std::set<std::string> left_out = {"kinglet/model/writer.hpp", "kinglet/model/write_options.hpp"};
  for (const auto& entry : by_path) {
    const auto& path = entry.first;
    const Header& header = entry.second;
    if (height(header.layer()) < height("optimize") && !left_out.contains(path)) {
      CHECK_MESSAGE(reached.contains(path), path, " is not reached from kinglet.hpp");
    }
    CHECK((height(header.layer()) < height("optimize") || !reached.contains(path)));
  }
  CHECK(!reached.contains("kinglet/model/writer.hpp"));
}

TEST_CASE("the checks see what they look for") {
  CHECK(house::all_headers().size() > 30);
  CHECK(may_include("quant", "core"));
  CHECK(may_include("kernels", "kernels"));
  CHECK(!may_include("core", "quant"));
  CHECK(!may_include("tensor", "memory"));
  CHECK(!may_include("memory", "tensor"));
  CHECK(!may_include("core", "nonsense"));

  CHECK(house::code_of("a // b\nc /* d\n */ e") == "a     \nc    \n   e");
  CHECK(house::code_of(R"(f("new", '"', 1'000);)") == "f(     ,    , 1'000);");

  CHECK(unfit_code("int* p = new int;") == "new");
  CHECK(unfit_code("auto p = new (std::nothrow) int;") == "new");
  CHECK(unfit_code("::new (static_cast<void*>(p)) T{};") == "");
  CHECK(unfit_code("#include <new>") == "");
  CHECK(unfit_code("std::vector<int> v;") == "std::vector");
  CHECK(unfit_code("std::string_view v;") == "");
  CHECK(unfit_code("throw 1;") == "throw");
  CHECK(unfit_code("p = malloc(3);") == "malloc");
  CHECK(unfit_code("delete p;") == "delete");
  CHECK(unfit_code("X(const X&) = delete;") == "");
  CHECK(unfit_code("#include <iostream>") == "<iostream>");
  CHECK(unfit_code("// a new vector is thrown: throw\nint renewed = 0;") == "");
}
