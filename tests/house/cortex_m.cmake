# SPDX-License-Identifier: Apache-2.0
# cmake -DSOURCE=... -DBINARY=... -DCOMPILER=... -P cortex_m.cmake: builds examples/typed.cpp for a Cortex-M4 without
# exceptions and RTTI, runs it on an emulated one, and compares what it says with what it says here.
find_program(CROSS_COMPILER arm-none-eabi-g++)
find_program(EMULATOR qemu-system-arm)
if(NOT CROSS_COMPILER OR NOT EMULATOR)
  message("skipped: no arm-none-eabi-g++ or no qemu-system-arm; sh cmake/setup --cortex-m installs them")
  return()
endif()

function(run_or_fail output)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE text ERROR_VARIABLE errors RESULT_VARIABLE code TIMEOUT 120)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${ARGN}\n${code}\n${text}${errors}")
  endif()
  string(REGEX MATCHALL "class [0-9]: [0-9.]+" classes "${text}")
  set(${output} "${classes}" PARENT_SCOPE)
endfunction()

file(MAKE_DIRECTORY ${BINARY})
set(example ${SOURCE}/examples/typed.cpp)
run_or_fail(unused ${COMPILER} -std=c++20 -O1 -I${SOURCE}/include ${example} -o ${BINARY}/here)
run_or_fail(unused ${CROSS_COMPILER} -std=c++20 -O2 -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16
  -fno-exceptions -fno-rtti -Wall -Wextra -Wconversion -Wshadow -Werror -I${SOURCE}/include
  ${example} ${SOURCE}/tests/house/cortex_m/start.cpp --specs=rdimon.specs -T ${SOURCE}/tests/house/cortex_m/memory.ld
  -Wl,--gc-sections -o ${BINARY}/cortex_m4)
run_or_fail(here ${BINARY}/here)
run_or_fail(there ${EMULATOR} -M mps2-an386 -nographic -monitor none -serial none
  -semihosting-config enable=on,target=native -kernel ${BINARY}/cortex_m4)
list(LENGTH here count)
if(NOT count EQUAL 10 OR NOT "${here}" STREQUAL "${there}")
  message(FATAL_ERROR "here: ${here}\nthere: ${there}")
endif()
