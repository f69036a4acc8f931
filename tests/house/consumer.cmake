# SPDX-License-Identifier: Apache-2.0
# Configures, builds and runs the project in consumer/ as a user's own, by find_package (of a fresh installation, with
# nothing but its prefix), add_subdirectory or FetchContent. Variables: house/CMakeLists.txt.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT result EQUAL 0)
    string(REPLACE ";" " " words "${ARGN}")
    message(FATAL_ERROR "${words}:\n${text}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK_DIR})
set(options -DWAY=${WAY} -DHAS_MODEL=${HAS_MODEL})
if(WAY STREQUAL "find_package")
  run(${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${WORK_DIR}/prefix)
  list(APPEND options -DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix)
elseif(WAY STREQUAL "add_subdirectory")
  list(APPEND options -DKINGLET_SOURCE_DIR=${SOURCE_DIR})
else()
  list(APPEND options -DFETCHCONTENT_SOURCE_DIR_KINGLET=${SOURCE_DIR})
endif()

run(${CMAKE_COMMAND} -G ${GENERATOR} -S ${CMAKE_CURRENT_LIST_DIR}/consumer -B ${WORK_DIR}/build
    -DCMAKE_CXX_COMPILER=${COMPILER} ${options})
run(${CMAKE_COMMAND} --build ${WORK_DIR}/build)
run(${WORK_DIR}/build/consumer)
if(HAS_MODEL)
  run(${WORK_DIR}/build/consumer_model)
  run(${WORK_DIR}/build/consumer_dispatch)
endif()
