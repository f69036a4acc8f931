// SPDX-License-Identifier: Apache-2.0
/// @file isa/probe.hpp
/// Which targets this processor and its system can run. The decision is a function of register values; `probe` reads
/// them. A program that chooses must be compiled, where it asks, for no more than every machine has.
///
/// x86: a processor names its instructions (CPUID), the system the registers that it saves when it switches threads
/// (XGETBV, extended control register 0). Both must agree: AVX-512 without saved ZMM registers is a fault.
/// AArch64: Linux gives the instructions that both have, in the auxiliary vector.
/// Everywhere: what the asking code itself is compiled for, with its fallbacks.
#pragma once

#include <initializer_list>
#include <kinglet/isa/target.hpp>

#if KINGLET_HAS_CPUID && defined(_MSC_VER)
#include <intrin.h>
#elif KINGLET_HAS_CPUID
#include <cpuid.h>
#elif KINGLET_HAS_HWCAP
#include <sys/auxv.h>
#endif

namespace kinglet::inline KINGLET_TARGET::isa {

/// What CPUID and XGETBV say; 0 where the processor has no such leaf.
struct X86Registers {
  std::uint32_t leaf1_ecx = 0;
  std::uint32_t leaf7_ebx = 0;
  std::uint32_t leaf7_ecx = 0;
  std::uint32_t leaf7_1_eax = 0;  ///< leaf 7, subleaf 1
  std::uint32_t xcr0 = 0;         ///< 0 when the system does not use XSAVE
};

/// The auxiliary vector's AT_HWCAP and AT_HWCAP2 on AArch64.
struct ArmCapabilities {
  std::uint64_t hwcap = 0;
  std::uint64_t hwcap2 = 0;
};

namespace detail {

constexpr std::uint32_t bits32(std::initializer_list<int> positions) noexcept {
  std::uint32_t bits = 0;
  for (const int position : positions) {
    bits |= std::uint32_t{1} << position;
  }
  return bits;
}
template <class Word>
constexpr bool has_all(Word value, Word bits) noexcept {
  return (value & bits) == bits;
}

}  // namespace detail

/// Each target needs what its flags in cmake/targets.cmake allow a compiler to use, implied instructions included.
constexpr TargetSet runnable(const X86Registers& cpu) noexcept {
  using detail::bits32;
  using detail::has_all;
  constexpr std::uint32_t sse4_1 = bits32({0, 9, 19});             // SSE3, SSSE3, SSE4.1
  constexpr std::uint32_t avx = bits32({12, 20, 23, 26, 27, 28});  // FMA, SSE4.2, POPCNT, XSAVE, OSXSAVE, AVX
  constexpr std::uint32_t f16c = bits32({29});
  constexpr std::uint32_t avx2 = bits32({5, 8});                  // AVX2, BMI2
  constexpr std::uint32_t avx512 = bits32({16, 17, 28, 30, 31});  // F, DQ, CD, BW, VL
  constexpr std::uint32_t avx512_vnni = bits32({11});
  constexpr std::uint32_t avx_vnni = bits32({4});
  constexpr std::uint32_t ymm = bits32({1, 2});     // state of XMM and of the upper halves of YMM
  constexpr std::uint32_t zmm = bits32({5, 6, 7});  // opmask, upper halves of ZMM0-15, ZMM16-31

  TargetSet set;
  set.add(isa::scalar::name);
  if (!has_all(cpu.leaf1_ecx, sse4_1)) {
    return set;
  }
  set.add(isa::sse4_1::name);
  if (!has_all(cpu.leaf1_ecx, avx) || !has_all(cpu.leaf7_ebx, avx2) || !has_all(cpu.xcr0, ymm)) {
    return set;
  }
  set.add(isa::avx2::name);
  if (has_all(cpu.leaf7_1_eax, avx_vnni)) {
    set.add(isa::avx2_vnni::name);
  }
  if (!has_all(cpu.leaf1_ecx, f16c) || !has_all(cpu.leaf7_ebx, avx512) || !has_all(cpu.xcr0, zmm)) {
    return set;
  }
  set.add(isa::avx512bw::name);
  if (has_all(cpu.leaf7_ecx, avx512_vnni)) {
    set.add(isa::avx512_vnni::name);
  }
  return set;
}

/// Armv8.2-A makes CRC32, atomics and rounding doubling multiplies mandatory, so compilers may use them.
constexpr TargetSet runnable(const ArmCapabilities& cpu) noexcept {
  using detail::bits32;
  using detail::has_all;
  constexpr std::uint64_t simd = bits32({1});
  constexpr std::uint64_t dot_product = bits32({7, 8, 12, 20});  // CRC32, atomics, ASIMDRDM, ASIMDDP
  constexpr std::uint64_t i8mm = bits32({13});                   // of HWCAP2
  TargetSet set;
  set.add(isa::scalar::name);
  if (!has_all(cpu.hwcap, simd)) {
    return set;
  }
  set.add(isa::neon::name);
  if (!has_all(cpu.hwcap, dot_product)) {
    return set;
  }
  set.add(isa::neon_dotprod::name);
  if (has_all(cpu.hwcap2, i8mm)) {
    set.add(isa::neon_i8mm::name);
  }
  return set;
}

#if KINGLET_HAS_CPUID
inline X86Registers x86_registers() noexcept {
  X86Registers cpu;
#if defined(_MSC_VER)
  int r[4] = {};  // EAX, EBX, ECX, EDX
  __cpuid(r, 0);
  const int leaves = r[0];
  if (leaves >= 1) {
    __cpuid(r, 1);
    cpu.leaf1_ecx = static_cast<std::uint32_t>(r[2]);
  }
  if (leaves >= 7) {
    __cpuidex(r, 7, 0);
    cpu.leaf7_ebx = static_cast<std::uint32_t>(r[1]);
    cpu.leaf7_ecx = static_cast<std::uint32_t>(r[2]);
    if (r[0] >= 1) {
      __cpuidex(r, 7, 1);
      cpu.leaf7_1_eax = static_cast<std::uint32_t>(r[0]);
    }
  }
#else
  std::uint32_t eax = 0;
  std::uint32_t ebx = 0;
  std::uint32_t ecx = 0;
  std::uint32_t edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0) {
    cpu.leaf1_ecx = ecx;
  }
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0) {
    cpu.leaf7_ebx = ebx;
    cpu.leaf7_ecx = ecx;
    if (eax >= 1) {  // the last subleaf
      __cpuid_count(7, 1, eax, ebx, ecx, edx);
      cpu.leaf7_1_eax = eax;
    }
  }
#endif
  if (detail::has_all(cpu.leaf1_ecx, detail::bits32({27}))) {  // OSXSAVE: XGETBV is allowed
#if defined(_MSC_VER)
    cpu.xcr0 = static_cast<std::uint32_t>(_xgetbv(0));
#else
    std::uint32_t high = 0;
    __asm__ volatile("xgetbv" : "=a"(cpu.xcr0), "=d"(high) : "c"(0));
#endif
  }
  return cpu;
}
#endif

/// The targets that code can run here. No heap, no system call on x86.
inline TargetSet probe() noexcept {
#if KINGLET_HAS_CPUID
  TargetSet set = runnable(x86_registers());
#elif KINGLET_HAS_HWCAP
  TargetSet set = runnable(ArmCapabilities{getauxval(AT_HWCAP), getauxval(AT_HWCAP2)});
#else
  TargetSet set;
#endif
  // Best first, so one pass adds the whole chain of fallbacks.
  std::string_view here = native::name;
  for (const TargetInfo& target : targets) {
    if (target.name == here) {
      set.add(here);
      here = target.fallback;
    }
  }
  return set;
}

}  // namespace kinglet::inline KINGLET_TARGET::isa
