// SPDX-License-Identifier: Apache-2.0
/// @file core/config.hpp
/// The only compiler and version macros of the library.
///
/// Everything lives in `namespace kinglet::inline KINGLET_TARGET`: the compilation target is part of every
/// symbol's name, so translation units built with different instruction sets link into one program without
/// sharing (and so mixing up) inline functions. Users write plain `kinglet::`.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#define KINGLET_VERSION_MAJOR 0
#define KINGLET_VERSION_MINOR 1
#define KINGLET_VERSION_PATCH 0

static_assert(std::endian::native == std::endian::little,
              "kinglet: .tflite constants are little-endian and used in place");
static_assert(sizeof(float) == 4 && sizeof(double) == 8, "kinglet: IEEE 754 single and double expected");

// The best instruction set that the compiler's flags allow; names as in isa/target.hpp. A build may define
// KINGLET_TARGET itself.
#if !defined(KINGLET_TARGET)
#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#define KINGLET_TARGET avx512_vnni
#elif defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#define KINGLET_TARGET avx512bw
#elif defined(__AVX2__) && defined(__AVXVNNI__)
#define KINGLET_TARGET avx2_vnni
#elif defined(__AVX2__)
#define KINGLET_TARGET avx2
#elif defined(__SSE4_1__)
#define KINGLET_TARGET sse4_1
#elif defined(__ARM_NEON) && defined(__ARM_FEATURE_MATMUL_INT8)
#define KINGLET_TARGET neon_i8mm
#elif defined(__ARM_NEON) && defined(__ARM_FEATURE_DOTPROD)
#define KINGLET_TARGET neon_dotprod
#elif defined(__ARM_NEON)
#define KINGLET_TARGET neon
#else
#define KINGLET_TARGET scalar
#endif
#endif

#if defined(__GNUC__) || defined(__clang__)
#define KINGLET_RESTRICT __restrict__
#define KINGLET_ALWAYS_INLINE inline __attribute__((always_inline))
#define KINGLET_NOINLINE __attribute__((noinline))
#define KINGLET_INLINE_LAMBDA __attribute__((always_inline))
#elif defined(_MSC_VER)
#define KINGLET_RESTRICT __restrict
#define KINGLET_ALWAYS_INLINE __forceinline
#define KINGLET_NOINLINE __declspec(noinline)
#define KINGLET_INLINE_LAMBDA
#else
#define KINGLET_RESTRICT
#define KINGLET_ALWAYS_INLINE inline
#define KINGLET_NOINLINE
#define KINGLET_INLINE_LAMBDA
#endif

// Whether large pages can be asked for (memory/heap.hpp).
#if defined(__linux__) && !defined(KINGLET_NO_MADVISE)
#define KINGLET_HAS_MADVISE 1
#else
#define KINGLET_HAS_MADVISE 0
#endif

// Memory is read and written on either side of this as it is written there.
#if defined(__GNUC__) || defined(__clang__)
#define KINGLET_KEEP_ORDER() asm volatile("" ::: "memory")
#else
#define KINGLET_KEEP_ORDER() static_cast<void>(0)
#endif

// How isa/probe.hpp asks the processor: x86's CPUID, or what Linux says of AArch64.
#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#define KINGLET_HAS_CPUID 1
#else
#define KINGLET_HAS_CPUID 0
#endif
#if defined(__aarch64__) && defined(__linux__)
#define KINGLET_HAS_HWCAP 1
#else
#define KINGLET_HAS_HWCAP 0
#endif

// In front of a loop with few, constant iterations whose arrays must become registers.
#if defined(__clang__)
#define KINGLET_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define KINGLET_UNROLL _Pragma("GCC unroll 16")
#else
#define KINGLET_UNROLL
#endif
