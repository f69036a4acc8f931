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

# All but `native`.
set(KINGLET_TARGET_NAMES avx512_vnni avx512bw avx2_vnni avx2 sse4_1 neon_i8mm neon_dotprod neon scalar)

# kinglet_target_flags(NAME VARIABLE): the flags of a target as a list, or an error that names the known ones.
function(kinglet_target_flags name variable)
  include(${CMAKE_CURRENT_FUNCTION_LIST_FILE})  # the lists again: a caller above add_subdirectory does not see them
  if(NOT DEFINED KINGLET_FLAGS_${name})
    list(JOIN KINGLET_TARGET_NAMES ", " names)
    message(FATAL_ERROR "kinglet: unknown target '${name}': native, ${names}")
  endif()
  set(${variable} ${KINGLET_FLAGS_${name}} PARENT_SCOPE)
endfunction()
