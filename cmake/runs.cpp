// SPDX-License-Identifier: Apache-2.0
/// @file runs.cpp
/// Exit code 0 when this machine has the instructions that the program was compiled for.
#if defined(__AVXVNNI__)
#include <cpuid.h>
#endif

int main() {
  bool runs = true;
#if defined(__x86_64__) || defined(__i386__)
  __builtin_cpu_init();
#if defined(__SSE4_1__)
  runs = runs && __builtin_cpu_supports("sse4.1");
#endif
#if defined(__AVX2__)
  runs = runs && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi2");
#endif
#if defined(__AVXVNNI__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  runs = runs && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & 1 << 4) != 0;
#endif
#if defined(__AVX512BW__)
  runs = runs && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
#endif
#if defined(__AVX512VNNI__)
  runs = runs && __builtin_cpu_supports("avx512vnni");
#endif
#endif
  return runs ? 0 : 1;
}
