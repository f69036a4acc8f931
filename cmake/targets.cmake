# SPDX-License-Identifier: Apache-2.0
# The only list of compiler flags per instruction set. Names as in include/kinglet/isa/target.hpp.

set(KINGLET_FLAGS_native -march=native)
set(KINGLET_FLAGS_scalar "")
set(KINGLET_FLAGS_sse4_1 -msse4.1)
set(KINGLET_FLAGS_avx2 -mavx2 -mfma -mbmi2)
set(KINGLET_FLAGS_avx2_vnni ${KINGLET_FLAGS_avx2} -mavxvnni)
set(KINGLET_FLAGS_avx512bw ${KINGLET_FLAGS_avx2} -mavx512f -mavx512cd -mavx512bw -mavx512dq -mavx512vl)
set(KINGLET_FLAGS_avx512_vnni ${KINGLET_FLAGS_avx512bw} -mavx512vnni)
set(KINGLET_FLAGS_neon "")
set(KINGLET_FLAGS_neon_dotprod -march=armv8.2-a+dotprod)
set(KINGLET_FLAGS_neon_i8mm -march=armv8.2-a+dotprod+i8mm)

# kinglet_target_flags(NAME VARIABLE): the flags of a target as a list, or an error that names the known ones.
function(kinglet_target_flags name variable)
  if(NOT DEFINED KINGLET_FLAGS_${name})
    message(FATAL_ERROR "kinglet: unknown target '${name}': native, scalar, sse4_1, avx2, avx2_vnni, avx512bw, "
                        "avx512_vnni, neon, neon_dotprod or neon_i8mm")
  endif()
  set(${variable} ${KINGLET_FLAGS_${name}} PARENT_SCOPE)
endfunction()
