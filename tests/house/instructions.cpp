// SPDX-License-Identifier: Apache-2.0
/// @file house/instructions.cpp
/// The instructions that a kernel was written for are in its code, as compilers make it for the target's flags.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "disassembly.hpp"

using house::Code;

namespace {

constexpr const char* dot_product = "vpdpbusd[ \t].*%zmm[0-9]+$";
constexpr const char* word_product = "vpdpwssd[ \t].*%zmm[0-9]+$";
constexpr const char* change_of_signs = "vpxor[dq]?[ \t].*%zmm[0-9]+$";
constexpr const char* narrow_dot_product = "vpdpbusd[ \t].*%[xy]mm[0-9]+$";
constexpr const char* store = "vmov[a-z0-9]+[ \t]+%zmm[0-9]+,.*\\(";

/// Of the functions whose names have this in them, the one there should be.
const Code& code_of(const std::map<std::string, Code>& functions, const std::string& name) {
  const Code* code = nullptr;
  for (const auto& [whole_name, instructions] : functions) {
    if (whole_name.find(name + "(") != std::string::npos) {
      REQUIRE_MESSAGE(code == nullptr, name, " is there twice");
      code = &instructions;
    }
  }
  REQUIRE_MESSAGE(code != nullptr, name, " is not there");
  return *code;
}

[[maybe_unused]] std::map<std::string, Code> disassembled(const char* path) {
  std::ifstream file(path);
  REQUIRE(file);
  return house::functions_of(file);
}

#if defined(KINGLET_AVX512_VNNI_DISASSEMBLY)
const std::map<std::string, Code>& avx512_vnni() {
  static const std::map<std::string, Code> functions = disassembled(KINGLET_AVX512_VNNI_DISASSEMBLY);
  return functions;
}

/// FloatEnding or PairEnding, as the disassembler spells it. @param way isa::FloatWay's number
std::string float_ending(const std::string& name, int way, bool offsets) {
  return name + "<(kinglet::avx512_vnni::isa::FloatWay)" + std::to_string(way) +
         (offsets ? ", true> " : ", false> ");
}

TEST_CASE("AVX-512 VNNI pointwise: a loop of dot products whose sums stay in registers") {
  struct Tile {
    const char* rows_and_vectors;
    int dot_products;
  };
  for (const Tile& tile :
       {Tile{"12, 1", 12}, Tile{"8, 2", 16}, Tile{"6, 4", 24}, Tile{"5, 4", 20}, Tile{"4, 4", 16}}) {
    const auto check = [&tile](const std::string& ending, const char* product) {
      const std::string name = std::string("pointwise::run_tiles<") + tile.rows_and_vectors +
                               ", kinglet::avx512_vnni::pointwise::" + ending + ">";
      INFO(name);
      const Code loop = house::tightest_loop(code_of(avx512_vnni(), name), product);
      CHECK(house::count(loop, product) == tile.dot_products);
      CHECK(house::count(loop, store) == 0);
    };
    for (const bool offsets : {false, true}) {
      for (const int way : {1, 2, 3}) {
        check(float_ending("FloatEnding", way, offsets), dot_product);
      }
    }
    check("IntegerEnding", dot_product);
    check("WordEnding", word_product);
  }
}

TEST_CASE("AVX-512 VNNI pointwise: overlapped tiles, too") {
  struct Tile {
    const char* parameters;
    int way;
    bool offsets;
    int dot_products;
  };
  for (const Tile& tile :
       {Tile{"6, 1, false", 1, false, 6}, Tile{"6, 2, false", 2, false, 12}, Tile{"6, 2, false", 1, true, 12},
        Tile{"2, 4, true", 1, false, 8}, Tile{"2, 4, false", 2, true, 8}, Tile{"3, 4, true", 1, false, 12}}) {
    const std::string name =
        std::string("pointwise::run_overlapped<") + tile.parameters +
        ", kinglet::avx512_vnni::pointwise::" + float_ending("FloatEnding", tile.way, tile.offsets) + ">";
    INFO(name);
    const Code& code = code_of(avx512_vnni(), name);
    const Code loop = house::tightest_loop(code, dot_product);
    CHECK(house::count(loop, dot_product) == tile.dot_products);
    CHECK(house::count(loop, store) == 0);
  }
  for (const Tile& tile : {Tile{"6, 2, false", 0, false, 12}, Tile{"3, 4, false", 0, false, 12}}) {
    const std::string name = std::string("pointwise::run_overlapped<") + tile.parameters +
                             ", kinglet::avx512_vnni::pointwise::WordEnding>";
    INFO(name);
    const Code loop = house::tightest_loop(code_of(avx512_vnni(), name), word_product);
    CHECK(house::count(loop, word_product) == tile.dot_products);
    CHECK(house::count(loop, store) == 0);
  }
}

TEST_CASE("AVX-512 VNNI pointwise: three dot products for two rows of 24 channels, and one of 8") {
  for (const int way : {1, 2}) {
    for (const bool offsets : {false, true}) {
      for (const int vectors : {1, 2}) {
        const std::string name =
            "pointwise::run_pairs<8, " + std::to_string(vectors) +
            ", kinglet::avx512_vnni::pointwise::" + float_ending("PairEnding", way, offsets) + ">";
        INFO(name);
        const Code loop = house::tightest_loop(code_of(avx512_vnni(), name), dot_product);
        CHECK(house::count(loop, dot_product) == (vectors == 2 ? 24 : 8));
        CHECK(house::count(loop, store) == 0);
      }
    }
  }
}

TEST_CASE("AVX-512 VNNI depthwise: dot products in every loop over pixels, sums in registers") {
  struct Loop {
    const char* function;
    const char* width;
    const char* is_plain;
    int dot_products;  ///< at least
    int stores;        ///< of outputs, at most, and one that clang 14 adds; parts of a register are others
  };
  for (const Loop& expected :
       {Loop{"run_3_wide<1, ", "64", "true", 24, 3}, Loop{"run_3_wide<2, ", "64", "true", 12, 1},
        Loop{"run_3_wide<1, ", "64", "false", 24, 4}, Loop{"run_3_wide<2, ", "64", "false", 12, 2},
        Loop{"run_3_wide<1, ", "32", "true", 24, 0}, Loop{"run_3_wide<2, ", "32", "true", 12, 0},
        Loop{"run_3_wide<1, ", "16", "true", 24, 0}, Loop{"run_any<", "64", "true", 4, 0}}) {
    const std::string width = expected.width;
    const std::string function = std::string("depthwise::detail::") + expected.function + width + ", false, ";
    const std::string ending =
        "kinglet::avx512_vnni::depthwise::FloatEnding<" + width + ", " + expected.is_plain + "> >";
    const auto loop_of = [&](const std::string& name, int more_stores = 0) {
      INFO(name);
      const Code& code = code_of(avx512_vnni(), name);
      const Code loop = house::tightest_loop(code, dot_product, expected.dot_products);
      CHECK(house::count(loop, dot_product) >= expected.dot_products);
      CHECK(house::count(loop, store) <= expected.stores + more_stores);
      CHECK(house::count(code, narrow_dot_product) == 0);
      return loop;
    };
    if (function.find("run_any") != std::string::npos) {
      loop_of(function + ending);
      continue;
    }
    const Code from_signed = loop_of(function + "true, " + ending);
    // gcc 12 makes two ways around of one at stride 2, an output on each.
    const bool by_two = function.find("run_3_wide<2") != std::string::npos;
    const Code from_unsigned = loop_of(function + "false, " + ending, by_two ? 1 : 0);
    CHECK(house::count(from_unsigned, change_of_signs) < house::count(from_signed, change_of_signs));
  }
  for (const char* stride : {"1", "2"}) {
    const std::string name = std::string("depthwise::detail::run_word_line<") + stride + ">";
    INFO(name);
    const Code loop = house::tightest_loop(code_of(avx512_vnni(), name), word_product, 12);
    CHECK(house::count(loop, word_product) >= 12);
    CHECK(house::count(loop, store) <= 2);  // an output each: neither sums nor the output stage
  }
}
#else
TEST_CASE("AVX-512 VNNI instructions") {
  MESSAGE("skipped: sanitizers, or no objdump or compiler for AVX-512 VNNI");
}
#endif

/// A tile of 16-bit numbers in a target's registers: its loop has these products, and all sums stay in registers.
[[maybe_unused]] void check_pairs(const std::map<std::string, Code>& functions, const std::string& tile,
                                  const char* product, int products) {
  const std::string name = "pointwise::dot_tile_of<" + tile + ", short>";
  INFO(name);
  const Code loop = house::tightest_loop(code_of(functions, name), product);
  CHECK(house::count(loop, product) == products);
  CHECK(house::count(loop, "v?mov[a-z0-9]+[ \t]+%[xyz]mm[0-9]+,.*\\(") == 0);
}

#if defined(KINGLET_SSE4_1_DISASSEMBLY)
TEST_CASE("SSE 4.1: products of pairs") {
  check_pairs(disassembled(KINGLET_SSE4_1_DISASSEMBLY), "kinglet::sse4_1::isa::Lanes4, 4, 2",
              "pmaddwd[ \t].*%xmm[0-9]+$", 8);
}
#endif

#if defined(KINGLET_AVX2_DISASSEMBLY)
TEST_CASE("AVX2: products of pairs") {
  const auto functions = disassembled(KINGLET_AVX2_DISASSEMBLY);
  check_pairs(functions, "kinglet::avx2::isa::Lanes8, 6, 2", "vpmaddwd[ \t].*%ymm[0-9]+$", 12);
  check_pairs(functions, "kinglet::avx2::isa::Lanes8, 12, 1", "vpmaddwd[ \t].*%ymm[0-9]+$", 12);
  const std::string crossed = "pointwise::dot_tile_of<kinglet::avx2::isa::Lanes8, 4, 2>";
  INFO(crossed);
  const Code loop = house::tightest_loop(code_of(functions, crossed), "vpmaddwd");
  CHECK(house::count(loop, "vpmaddwd[ \t].*%ymm[0-9]+$") == 8);  // 8 sums, 4 products each
  CHECK(house::count(loop, "vmov[a-z0-9]+[ \t]+%ymm[0-9]+,.*\\(") == 0);
  for (const auto& function : functions) {
    const auto& name = function.first;  // clang 14 cannot capture structured bindings
    const auto& code = function.second;
    INFO(name);
    CHECK(house::count(code, "(\\{vex\\}[ \t])?vpdp") == 0);
    CHECK(house::count(code, "vpmaddubsw") == 0);  // saturates
  }
}
#endif

#if defined(KINGLET_AVX2_VNNI_DISASSEMBLY)
TEST_CASE("AVX-VNNI: products of four bytes, and of pairs of 16-bit numbers") {
  const auto functions = disassembled(KINGLET_AVX2_VNNI_DISASSEMBLY);
  for (const char* rows_and_vectors : {"6, 2", "12, 1"}) {
    const std::string name =
        std::string("pointwise::dot_tile_of<kinglet::avx2_vnni::isa::Lanes8Vnni, ") + rows_and_vectors + ">";
    INFO(name);
    const char* const product = "(\\{vex\\}[ \t])?vpdpbusd[ \t].*%ymm[0-9]+$";
    const Code loop = house::tightest_loop(code_of(functions, name), product);
    CHECK(house::count(loop, product) == 12);
    CHECK(house::count(loop, "vmov[a-z0-9]+[ \t]+%ymm[0-9]+,.*\\(") == 0);
  }
  check_pairs(functions, "kinglet::avx2_vnni::isa::Lanes8, 6, 2",
              "(\\{vex\\}[ \t])?vpdpwssd[ \t].*%ymm[0-9]+$", 12);
}
#endif

#if defined(KINGLET_AVX512BW_DISASSEMBLY)
TEST_CASE("AVX-512 without VNNI: products of pairs") {
  const auto functions = disassembled(KINGLET_AVX512BW_DISASSEMBLY);
  check_pairs(functions, "kinglet::avx512bw::isa::Lanes16, 12, 2", "vpmaddwd[ \t].*%zmm[0-9]+$", 24);
  check_pairs(functions, "kinglet::avx512bw::isa::Lanes16, 12, 1", "vpmaddwd[ \t].*%zmm[0-9]+$", 12);
  for (const auto& function : functions) {
    const auto& name = function.first;  // clang 14 cannot capture structured bindings
    const auto& code = function.second;
    INFO(name);
    CHECK(house::count(code, "vpdp") == 0);
  }
}
#endif

}  // namespace

TEST_CASE("loops, dot products and stores are seen in a disassembly") {
  const std::string gnu =
      "file:     file format elf64-x86-64\n\n"
      "0000000000000000 <void f<6, 4>(int*)>:\n"
      "   0:\tvpdpbusd (%rax),%zmm2,%zmm0\n"
      "   8:\tvpdpbusd %zmm1,%zmm2,%zmm0\n"
      "   c:\tvpdpbusd %ymm1,%ymm2,%ymm0\n"
      "  10:\tvmovdqu64 %zmm0,0x40(%rsp)\n"
      "  14:\tjne    8 <void f<6, 4>(int*)+0x8>\n"
      "  16:\tjne    0 <void f<6, 4>(int*)>\n"
      "  18:\tjmp    20 <void f<6, 4>(int*)+0x20>\n"
      "  20:\tret\n\n"
      "0000000000000000 <g()>:\n"
      "   0:\tvmovdqu64 0x40(%rsp),%zmm0\n";
  const std::string llvm = std::regex_replace(std::regex_replace(gnu, std::regex("(j[a-z]+) +"), "$1\t0x"),
                                              std::regex("\t(v[a-z0-9]+) "), "     \t$1\t");
  for (const std::string& disassembly : {gnu, llvm}) {
    std::istringstream text(disassembly);
    const std::map<std::string, Code> functions = house::functions_of(text);
    REQUIRE(functions.size() == 2);
    const Code& f = functions.at("void f<6, 4>(int*)");
    CHECK(f.size() == 8);
    CHECK(house::count(f, dot_product) == 2);
    CHECK(house::count(f, narrow_dot_product) == 1);
    const Code loop = house::tightest_loop(f, dot_product);
    CHECK(loop.size() == 4);
    CHECK(house::count(loop, dot_product) == 1);
    CHECK(house::count(loop, store) == 1);
    CHECK(house::count(functions.at("g()"), store) == 0);
    CHECK(house::tightest_loop(functions.at("g()"), store).empty());
  }
}
