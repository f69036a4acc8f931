// SPDX-License-Identifier: Apache-2.0
/// @file isa/probe.cpp
/// Which targets made-up processors and systems can run, and what this one says.
#include <doctest/doctest.h>

#include <kinglet/isa/probe.hpp>
#include <string>

namespace {

using namespace kinglet;
using isa::ArmCapabilities;
using isa::X86Registers;

/// Names in the set, best first.
std::string names(const isa::TargetSet& set) {
  std::string text;
  for (const isa::TargetInfo& target : isa::targets) {
    if (set.has(target.name)) {
      text += (text.empty() ? "" : " ") + std::string(target.name);
    }
  }
  return text;
}

// A server with everything, as CPUID shows it; bits from the vendors' manuals.
constexpr std::uint32_t sse3 = 1U << 0, ssse3 = 1U << 9, fma = 1U << 12, sse4_1 = 1U << 19, sse4_2 = 1U << 20,
                        popcnt = 1U << 23, xsave = 1U << 26, osxsave = 1U << 27, avx = 1U << 28,
                        f16c = 1U << 29;
constexpr std::uint32_t avx2 = 1U << 5, bmi2 = 1U << 8, avx512f = 1U << 16, avx512dq = 1U << 17,
                        avx512cd = 1U << 28, avx512bw = 1U << 30, avx512vl = 1U << 31;
constexpr std::uint32_t vnni = 1U << 11, avx_vnni = 1U << 4;
constexpr std::uint32_t x87_and_xmm = 3, ymm = 4, opmask = 1U << 5, zmm_low = 1U << 6, zmm_high = 1U << 7;

constexpr X86Registers everything{
    sse3 | ssse3 | fma | sse4_1 | sse4_2 | popcnt | xsave | osxsave | avx | f16c,
    avx2 | bmi2 | avx512f | avx512dq | avx512cd | avx512bw | avx512vl, vnni, avx_vnni,
    x87_and_xmm | ymm | opmask | zmm_low | zmm_high};

constexpr X86Registers without(X86Registers cpu, std::uint32_t X86Registers::*word, std::uint32_t bits) {
  cpu.*word &= ~bits;
  return cpu;
}

// It can be known while compiling.
static_assert(runnable(everything).has("avx512_vnni") && !runnable(X86Registers{}).has("sse4_1"));

}  // namespace

TEST_CASE("x86: a server with everything") {
  CHECK(names(runnable(everything)) == "avx512_vnni avx512bw avx2_vnni avx2 sse4_1 scalar");
}

TEST_CASE("x86: a processor without leaf 7, or without anything") {
  CHECK(names(runnable(X86Registers{})) == "scalar");
  CHECK(names(runnable(X86Registers{.leaf1_ecx = everything.leaf1_ecx, .xcr0 = everything.xcr0})) ==
        "sse4_1 scalar");
}

TEST_CASE("x86: a system that does not save the registers") {
  // AVX-512 needs all three of its kinds of state, and that of AVX.
  for (const std::uint32_t state : {opmask, zmm_low, zmm_high, opmask | zmm_low | zmm_high}) {
    CHECK(names(runnable(without(everything, &X86Registers::xcr0, state))) == "avx2_vnni avx2 sse4_1 scalar");
  }
  for (const std::uint32_t state : {ymm, std::uint32_t{2}, std::uint32_t{0xffffffff}}) {
    CHECK(names(runnable(without(everything, &X86Registers::xcr0, state))) == "sse4_1 scalar");
  }
  CHECK(names(runnable(without(everything, &X86Registers::leaf1_ecx, osxsave))) == "sse4_1 scalar");
}

TEST_CASE("x86: every instruction set a target's flags allow is asked for") {
  struct Case {
    std::uint32_t X86Registers::*word;
    std::uint32_t bit;
    const char* left;
  };
  for (const Case& c : {Case{&X86Registers::leaf1_ecx, sse3, "scalar"},
                        {&X86Registers::leaf1_ecx, ssse3, "scalar"},
                        {&X86Registers::leaf1_ecx, sse4_1, "scalar"},
                        {&X86Registers::leaf1_ecx, sse4_2, "sse4_1 scalar"},
                        {&X86Registers::leaf1_ecx, popcnt, "sse4_1 scalar"},
                        {&X86Registers::leaf1_ecx, fma, "sse4_1 scalar"},
                        {&X86Registers::leaf1_ecx, xsave, "sse4_1 scalar"},
                        {&X86Registers::leaf1_ecx, avx, "sse4_1 scalar"},
                        {&X86Registers::leaf7_ebx, avx2, "sse4_1 scalar"},
                        {&X86Registers::leaf7_ebx, bmi2, "sse4_1 scalar"},
                        {&X86Registers::leaf1_ecx, f16c, "avx2_vnni avx2 sse4_1 scalar"},
                        {&X86Registers::leaf7_ebx, avx512f, "avx2_vnni avx2 sse4_1 scalar"},
                        {&X86Registers::leaf7_ebx, avx512dq, "avx2_vnni avx2 sse4_1 scalar"},
                        {&X86Registers::leaf7_ebx, avx512cd, "avx2_vnni avx2 sse4_1 scalar"},
                        {&X86Registers::leaf7_ebx, avx512bw, "avx2_vnni avx2 sse4_1 scalar"},
                        {&X86Registers::leaf7_ebx, avx512vl, "avx2_vnni avx2 sse4_1 scalar"},
                        {&X86Registers::leaf7_ecx, vnni, "avx512bw avx2_vnni avx2 sse4_1 scalar"},
                        {&X86Registers::leaf7_1_eax, avx_vnni, "avx512_vnni avx512bw avx2 sse4_1 scalar"}}) {
    CAPTURE(c.bit);
    CHECK(names(runnable(without(everything, c.word, c.bit))) == c.left);
  }
}

TEST_CASE("AArch64: from Armv8.0 to int8 matrix products") {
  constexpr std::uint64_t fp_and_simd = 3;
  constexpr std::uint64_t crc32 = 1U << 7, atomics = 1U << 8, rdm = 1U << 12, dot_product = 1U << 20;
  constexpr std::uint64_t armv8_2 = fp_and_simd | crc32 | atomics | rdm | dot_product;
  constexpr std::uint64_t i8mm = 1U << 13;
  CHECK(names(runnable(ArmCapabilities{0, i8mm})) == "scalar");
  CHECK(names(runnable(ArmCapabilities{fp_and_simd, 0})) == "neon scalar");
  CHECK(names(runnable(ArmCapabilities{armv8_2, 0})) == "neon_dotprod neon scalar");
  CHECK(names(runnable(ArmCapabilities{armv8_2, i8mm})) == "neon_i8mm neon_dotprod neon scalar");
  for (const std::uint64_t missing : {crc32, atomics, rdm, dot_product}) {
    CHECK(names(runnable(ArmCapabilities{armv8_2 & ~missing, i8mm})) == "neon scalar");
  }
}

TEST_CASE("this machine runs what this test is compiled for, and every fallback of what it runs") {
  const isa::TargetSet here = isa::probe();
  CHECK(here.has(isa::native::name));
  CHECK(here.has("scalar"));
  CHECK(!here.has("native"));
  CHECK(!here.has(""));
  for (const isa::TargetInfo& target : isa::targets) {
    if (here.has(target.name) && !target.fallback.empty()) {
      CHECK(here.has(target.fallback));
    }
  }
}

#if KINGLET_HAS_CPUID && defined(__GNUC__)
TEST_CASE("this machine is what the compiler's own library says") {
  const isa::TargetSet here = isa::probe();
  CHECK(here.has("sse4_1") == (__builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3")));
  CHECK(here.has("avx2") ==
        (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")));
  CHECK(here.has("avx512_vnni") == (here.has("avx512bw") && __builtin_cpu_supports("avx512vnni")));
}
#endif
