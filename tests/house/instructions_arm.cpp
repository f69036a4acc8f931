// SPDX-License-Identifier: Apache-2.0
/// @file house/instructions_arm.cpp
/// The instructions that ARM kernels were written for are in their code, as a compiler for that machine makes it.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "disassembly.hpp"

using house::Code;

namespace {

constexpr const char* vector_store = "st[a-z0-9]+[ \t]+\\{?[qv][0-9]";

#if defined(KINGLET_NEON_DISASSEMBLY)
const std::map<std::string, Code>& functions_of(const std::string& target) {
  static std::map<std::string, std::map<std::string, Code>> targets;
  auto& functions = targets[target];
  if (functions.empty()) {
    std::ifstream file(KINGLET_NEON_DISASSEMBLY "/" + target + ".txt");
    REQUIRE(file);
    functions = house::functions_of(file);
  }
  return functions;
}

int total(const std::string& target, const char* instruction) {
  int sum = 0;
  for (const auto& [name, code] : functions_of(target)) {
    sum += static_cast<int>(house::count(code, instruction));
  }
  return sum;
}

/// A kernel's tightest loop, what it is made of, and how often that is there.
struct Loop {
  const char* target;
  const char* name;
  const char* instruction;
  int times;
  int stores = 1;  ///< at most: gcc 12 is a register short for what makes uint8 signed
};

TEST_CASE("ARM: loops of dot products whose sums stay in registers") {
  for (const Loop& expected : {
           Loop{"neon", "NeonTile::dot_pairs<4, true, true>", "smlal2[ \t]", 16},
           Loop{"neon", "NeonTile::dot_pairs<4, false, true>", "smlal2[ \t]", 16},
           Loop{"neon", "NeonTile::dot_pairs<4, true, false>", "smull2[ \t]", 16},
           Loop{"neon", "NeonWidened<signed char>, 3, 1>", "smlal2?[ \t]", 48},
           Loop{"neon", "NeonWidened<unsigned char>, 3, 2>", "smlal2?[ \t]", 24},
           Loop{"neon", "NeonWidened<signed char>, 5, 1>", "smlal2?[ \t]", 80},
           Loop{"neon", "NeonWidened<signed char>, 5, 2>", "smlal2?[ \t]", 40},
           Loop{"neon_dotprod", "NeonDotprodTile::dot<8, true>", "sdot[ \t]", 64},
           Loop{"neon_dotprod", "NeonDotprodTile::dot<8, false>", "sdot[ \t]", 64},
           Loop{"neon_dotprod", "NeonDotprodTile::dot<1, true>", "sdot[ \t]", 8},
           Loop{"neon_dotprod", "NeonDots<signed char>, 3, 1>", "sdot[ \t]", 48},
           Loop{"neon_dotprod", "NeonDots<signed char>, 3, 2>", "sdot[ \t]", 24},
           Loop{"neon_dotprod", "NeonDots<signed char>, 5, 1>", "sdot[ \t]", 80, 5},  // clang 14, of 16 sums
           Loop{"neon_dotprod", "NeonDots<signed char>, 5, 2>", "sdot[ \t]", 40},
           Loop{"neon_i8mm", "NeonI8mmTile::dot<8, true>", "smmla[ \t]", 32},
           Loop{"neon_i8mm", "NeonI8mmTile::dot<8, false>", "smmla[ \t]", 32},
           Loop{"neon_i8mm", "NeonI8mmTile::dot<1, true>", "smmla[ \t]", 8},
           Loop{"neon_i8mm", "NeonDots<signed char>, 3, 1>", "sdot[ \t]", 48},
       }) {
    INFO(std::string(expected.target));
    INFO(std::string(expected.name));
    int found = 0;
    for (const auto& [name, code] : functions_of(expected.target)) {
      if (name.find(expected.name) != std::string::npos) {
        ++found;
        const Code loop = house::tightest_loop(code, expected.instruction);
        MESSAGE(name, ": ", loop.size(), " instructions, ", expected.times, " of them ",
                std::string(expected.instruction));
        CHECK(house::count(loop, expected.instruction) == expected.times);
        CHECK(house::count(loop, vector_store) <= expected.stores);
      }
    }
    CHECK(found == 1);
  }
}

TEST_CASE("ARM: a target's code has no instructions of a better one") {
  CHECK(total("neon", "[su]dot[ \t]") == 0);
  CHECK(total("neon", "smmla[ \t]") == 0);
  CHECK(total("neon_dotprod", "sdot[ \t]") > 64);
  CHECK(total("neon_dotprod", "smmla[ \t]") == 0);
  CHECK(total("neon_i8mm", "smmla[ \t]") > 64);
  for (const char* target : {"neon", "neon_dotprod", "neon_i8mm"}) {
    INFO(std::string(target));
    CHECK(total(target, "sqrdmulh[ \t]") > 0);
    CHECK(total(target, "srshl[ \t]") > 0);
  }
}
#else
TEST_CASE("ARM instructions") {
  MESSAGE("skipped: sanitizers, or no compiler or objdump for 64-bit ARM");
}
#endif

}  // namespace

TEST_CASE("loops, dot products and stores are seen in a disassembly of ARM code") {
  std::istringstream text(
      "file:     file format elf64-littleaarch64\n\n"
      "0000000000000000 <void f<8>(int*)>:\n"
      "   0:\tsdot\tv0.4s, v1.16b, v2.4b[0]\n"
      "   4:\tsdot\tv0.4s, v1.16b, v2.4b[1]\n"
      "   8:\tstr\tw0, [sp, #16]\n"
      "   c:\tstp\tq0, q1, [sp]\n"
      "  10:\tst1\t{v0.16b}, [x0]\n"
      "  14:\tb.ne\t4 <void f<8>(int*)+0x4>  // b.any\n"
      "  18:\tcbnz\tx1, 0 <void f<8>(int*)>\n"
      "  1c:\ttbz\tw0, #0, 20 <void f<8>(int*)+0x20>\n"
      "  20:\tret\n");
  const std::map<std::string, Code> functions = house::functions_of(text);
  const Code& f = functions.at("void f<8>(int*)");
  CHECK(house::count(f, "sdot[ \t]") == 2);
  CHECK(house::count(f, vector_store) == 2);
  const Code loop = house::tightest_loop(f, "sdot[ \t]");
  CHECK(loop.size() == 5);
  CHECK(house::count(loop, "sdot[ \t]") == 1);
}
