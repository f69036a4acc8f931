// SPDX-License-Identifier: Apache-2.0
/// @file isa/intrinsics_arm.hpp
/// The compiler's own header of Advanced SIMD, and where our kernels for it can be compiled: on 64-bit ARM. The 32-bit
/// instruction set has half the registers and takes the generic kernels.
#pragma once

#include <kinglet/core/config.hpp>

#if defined(__aarch64__) && defined(__ARM_NEON)
#define KINGLET_HAS_NEON 1
#include <arm_neon.h>
#else
#define KINGLET_HAS_NEON 0
#endif

#if KINGLET_HAS_NEON && defined(__ARM_FEATURE_DOTPROD)
#define KINGLET_HAS_NEON_DOTPROD 1
#else
#define KINGLET_HAS_NEON_DOTPROD 0
#endif

#if KINGLET_HAS_NEON_DOTPROD && defined(__ARM_FEATURE_MATMUL_INT8)
#define KINGLET_HAS_NEON_I8MM 1
#else
#define KINGLET_HAS_NEON_I8MM 0
#endif
