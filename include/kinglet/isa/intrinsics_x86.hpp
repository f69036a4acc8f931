// SPDX-License-Identifier: Apache-2.0
/// @file isa/intrinsics_x86.hpp
/// The compiler's own x86 header. gcc 12 takes the undefined vectors that its AVX-512 functions start from for
/// mistakes of the caller; the warning is switched off where they are defined, not where they are used.
#pragma once

#include <kinglet/core/config.hpp>

#if defined(__x86_64__) || defined(__i386__)
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#else
#include <immintrin.h>
#endif
#endif
