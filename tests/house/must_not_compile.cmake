# SPDX-License-Identifier: Apache-2.0
# cmake -DCOMPILER=... -DSOURCE=... -DINCLUDES=dir|dir -P must_not_compile.cmake
# SOURCE compiles as it is, and with -DBREAK fails in the words of its line "// expect: REGEX".
file(STRINGS ${SOURCE} line REGEX "^// expect: " LIMIT_COUNT 1)
if(NOT line)
  message(FATAL_ERROR "${SOURCE} has no line '// expect: REGEX'")
endif()
string(REGEX REPLACE "^// expect: " "" expected "${line}")

set(command ${COMPILER} -std=c++20 -fsyntax-only)
string(REPLACE "|" ";" directories "${INCLUDES}")
foreach(directory ${directories})
  list(APPEND command -I${directory})
endforeach()

execute_process(COMMAND ${command} ${SOURCE} RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "it fails as it is:\n${text}")
endif()
execute_process(COMMAND ${command} -DBREAK ${SOURCE} RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(result EQUAL 0)
  message(FATAL_ERROR "it compiles with -DBREAK")
endif()
if(NOT text MATCHES "${expected}")
  message(FATAL_ERROR "it fails with -DBREAK, but not with '${expected}':\n${text}")
endif()
