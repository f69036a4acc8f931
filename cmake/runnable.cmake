# SPDX-License-Identifier: Apache-2.0
# kinglet_runnable_targets(VARIABLE): the instruction sets of cmake/targets.cmake that compiler and machine can run.
function(kinglet_runnable_targets variable)
  if(NOT DEFINED KINGLET_RUNNABLE_TARGETS)
    set(runnable)
    foreach(target scalar sse4_1 avx2 avx2_vnni avx512bw avx512_vnni)
      kinglet_target_flags(${target} flags)
      try_run(runs compiles ${PROJECT_BINARY_DIR}/runs_${target} ${PROJECT_SOURCE_DIR}/cmake/runs.cpp
              COMPILE_DEFINITIONS ${flags} RUN_OUTPUT_VARIABLE ignored)
      if(compiles AND "${runs}" STREQUAL "0")
        list(APPEND runnable ${target})
      endif()
      unset(runs CACHE)
      unset(compiles CACHE)
    endforeach()
    set(KINGLET_RUNNABLE_TARGETS "${runnable}" CACHE INTERNAL "Instruction sets that compiler and machine can run")
  endif()
  set(${variable} ${KINGLET_RUNNABLE_TARGETS} PARENT_SCOPE)
endfunction()
