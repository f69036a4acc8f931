# SPDX-License-Identifier: Apache-2.0
# cmake -DNM=... -DOBJCOPY=... -DFROM=object|object -DTO=prefix -DEXTENSION=.o -P localize.cmake
# Copies objects to prefix1.o, prefix2.o... with every weak definition made local, and out of the groups of which a
# linker keeps one: inside one program, such a definition is then used by its own object alone.
string(REPLACE "|" ";" objects "${FROM}")
set(number 0)
foreach(object ${objects})
  math(EXPR number "${number} + 1")
  set(output ${TO}${number}${EXTENSION})
  execute_process(COMMAND ${NM} --defined-only --format=posix ${object} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  # Weak functions (W), objects (V) and what is unique in a program (u).
  string(REGEX MATCHALL "[^\n]+ [WVu] [^\n]*" symbols "${symbols}")
  list(TRANSFORM symbols REPLACE " .*" "")
  list(JOIN symbols "\n" symbols)
  file(WRITE ${output}.symbols "${symbols}\n")
  execute_process(COMMAND ${OBJCOPY} --remove-section=.group --localize-symbols=${output}.symbols ${object} ${output}
                  COMMAND_ERROR_IS_FATAL ANY)
endforeach()
