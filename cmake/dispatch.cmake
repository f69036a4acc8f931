# SPDX-License-Identifier: Apache-2.0
# One library with several targets compiled in, the best of which is chosen when the program starts.
#
#   kinglet_add_dispatch(NAME [TARGETS target...] [PROFILES tflm tflite single] [WEIGHTS packed in_place])
#     The executor (dispatch/backend.hpp), as the static library NAME. Weights: packed for the target, unless WEIGHTS
#     asks for kernels that use them as they lie in the file, too.
#   kinglet_add_targets(NAME SOURCES file... [TARGETS target...])
#     Any sources, once a target, as the static library NAME, whose header NAME_targets.hpp lists them:
#     NAME_TARGETS(X) is X(best) ... X(scalar). What the sources define must have the target in its name: a namespace
#     x::inline KINGLET_TARGET, or the macro KINGLET_UNIT, which is the target's name too.
#
# Without TARGETS: all of the processor's family. Those of another family are ignored; those that the compiler or the
# project's own flags do not allow are left out, with a message.
# A target's own compile options: target_compile_options(NAME_<target> PRIVATE ...), where <target> is one of the property
# KINGLET_TARGETS of NAME.
#
# Units share no code. Names with the target inside keep the library's functions apart; what else a unit's objects
# define weakly (functions of the standard library that were not inlined, say) becomes local to them, so that the
# linker cannot give code for AVX-512 to a machine without it.
include(${CMAKE_CURRENT_LIST_DIR}/targets.cmake)

# kinglet_targets_for(VARIABLE NAME...): of the named targets, or else of all, those that this build can compile; best first.
function(kinglet_targets_for variable)
  include(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/targets.cmake)  # its lists: a caller above add_subdirectory does not see them
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64|i[3-6]86)$")
    set(family avx512_vnni avx512bw avx2_vnni avx2 sse4_1 scalar)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
    set(family neon_i8mm neon_dotprod neon)
  else()
    set(family ${KINGLET_TARGET_NAMES})
  endif()
  foreach(name ${ARGN})
    kinglet_target_flags(${name} ignored)
  endforeach()
  set(targets)
  foreach(name ${family})
    if(NOT ARGN OR name IN_LIST ARGN)
      kinglet_can_compile(${name} possible)
      if(possible)
        list(APPEND targets ${name})
      endif()
    endif()
  endforeach()
  foreach(name ${ARGN})
    if(name IN_LIST family AND NOT name IN_LIST targets)
      message(STATUS "kinglet: target ${name} is left out: the compiler, or the project's own flags, do not allow it")
    endif()
  endforeach()
  if(NOT targets)
    message(FATAL_ERROR "kinglet: none of the targets can be compiled here: ${ARGN}")
  endif()
  # Code for no target in particular is shared as it is; the rest needs tools to be kept apart.
  list(LENGTH targets count)
  if(count GREATER 1 AND NOT (CMAKE_NM AND CMAKE_OBJCOPY))
    list(GET targets -1 last)
    message(WARNING "kinglet: without nm and objcopy there is no choice of targets: only ${last} is compiled")
    set(targets ${last})
  endif()
  set(${variable} ${targets} PARENT_SCOPE)
endfunction()

# kinglet_can_compile(NAME VARIABLE): the compiler takes the target's flags, and with the project's own they select
# this target and no better one.
function(kinglet_can_compile name variable)
  kinglet_target_flags(${name} flags)
  string(MAKE_C_IDENTIFIER "KINGLET_COMPILES_${name}_${CMAKE_CXX_FLAGS}" cache)
  if(NOT DEFINED ${cache})
    file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/kinglet_probe/${name}.cpp @ONLY CONTENT [[
#include <kinglet/isa/target.hpp>
static_assert(kinglet::isa::native::name == "@name@");
int main() {}
]])
    try_compile(compiles ${CMAKE_CURRENT_BINARY_DIR}/kinglet_probe/${name}
      ${CMAKE_CURRENT_BINARY_DIR}/kinglet_probe/${name}.cpp
      COMPILE_DEFINITIONS ${flags} CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON
      CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${KINGLET_INCLUDE_DIR}")
    set(${cache} ${compiles} CACHE INTERNAL "")
    unset(compiles CACHE)
  endif()
  set(${variable} ${${cache}} PARENT_SCOPE)
endfunction()

function(kinglet_add_targets library)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;TARGETS")
  if(NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "kinglet_add_targets(NAME SOURCES file... [TARGETS target...])")
  endif()
  kinglet_targets_for(targets ${arg_TARGETS})
  kinglet_add_units(${library} "${targets}" ${arg_SOURCES})
endfunction()

function(kinglet_add_dispatch library)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "TARGETS;PROFILES;WEIGHTS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "kinglet_add_dispatch(NAME [TARGETS target...] [PROFILES tflm tflite single] [WEIGHTS packed in_place])")
  endif()
  kinglet_targets_for(targets ${arg_TARGETS})
  if(NOT arg_PROFILES)
    set(arg_PROFILES tflm tflite single)
  endif()
  if(NOT arg_WEIGHTS)
    set(arg_WEIGHTS packed)
  endif()
  set(executors)
  foreach(weights ${arg_WEIGHTS})
    foreach(profile ${arg_PROFILES})
      list(APPEND executors "kinglet::dispatch::ExecutorsOf<kinglet::profile::${profile}, kinglet::dispatch::${weights}>")
    endforeach()
  endforeach()
  list(JOIN executors ",\n                               " executors)

  set(directory ${CMAKE_CURRENT_BINARY_DIR}/${library})
  file(CONFIGURE OUTPUT ${directory}/unit.cpp @ONLY CONTENT [[
#include <kinglet/dispatch/unit.hpp>
static_assert(std::is_same_v<kinglet::isa::native, kinglet::isa::KINGLET_UNIT>,
              "kinglet: the project's own compile options choose another target");
#define KINGLET_JOIN_NAMES(a, b) a##b
#define KINGLET_JOIN(a, b) KINGLET_JOIN_NAMES(a, b)
#define KINGLET_UNIT_NAME KINGLET_JOIN(kinglet_unit_, KINGLET_UNIT)
extern "C" {
extern const kinglet::abi::Unit KINGLET_UNIT_NAME;
const kinglet::abi::Unit KINGLET_UNIT_NAME =
    kinglet::dispatch::unit<@executors@>;
}
]])
  file(CONFIGURE OUTPUT ${directory}/registry.cpp @ONLY CONTENT [[
#include <@library@_targets.hpp>
#include <kinglet/dispatch/registry.hpp>
#define KINGLET_DECLARE(name) extern const kinglet::abi::Unit kinglet_unit_##name;
#define KINGLET_ADDRESS(name) &kinglet_unit_##name,
extern "C" {
@library@_TARGETS(KINGLET_DECLARE)
}
const kinglet::abi::Registry* kinglet_registry() noexcept {
  static const kinglet::dispatch::RegistryStorage storage(std::array{@library@_TARGETS(KINGLET_ADDRESS)},
                                                          kinglet::isa::probe());
  return storage.get();
}
]])
  kinglet_add_units(${library} "${targets}" ${directory}/unit.cpp)
  target_sources(${library} PRIVATE ${directory}/registry.cpp)
endfunction()

# kinglet_add_units(LIBRARY "target;target" source...): what both have in common.
function(kinglet_add_units library targets)
  string(MAKE_C_IDENTIFIER ${library} identifier)
  if(NOT identifier STREQUAL library)
    message(FATAL_ERROR "kinglet: the library's name is part of a macro's: '${library}' must be an identifier")
  endif()
  set(directory ${CMAKE_CURRENT_BINARY_DIR}/${library})
  list(TRANSFORM targets REPLACE "(.+)" "X(\\1)" OUTPUT_VARIABLE list)
  list(JOIN list " " list)
  file(CONFIGURE OUTPUT ${directory}/include/${library}_targets.hpp @ONLY CONTENT
       "// The targets that ${library} is compiled for, best first.\n#pragma once\n#define ${library}_TARGETS(X) @list@\n")

  add_library(${library} STATIC)
  set_target_properties(${library} PROPERTIES LINKER_LANGUAGE CXX KINGLET_TARGETS "${targets}")
  target_link_libraries(${library} PUBLIC kinglet::kinglet)
  target_include_directories(${library} PUBLIC ${directory}/include)
  foreach(target ${targets})
    set(unit ${library}_${target})
    kinglet_target_flags(${target} flags)
    add_library(${unit} OBJECT ${ARGN})
    target_link_libraries(${unit} PRIVATE kinglet::kinglet)
    target_include_directories(${unit} PRIVATE ${directory}/include)
    target_compile_definitions(${unit} PRIVATE KINGLET_UNIT=${target})
    if(NOT flags)
      target_sources(${library} PRIVATE $<TARGET_OBJECTS:${unit}>)
      continue()
    endif()
    # Objects for the linker alone to optimize have no code yet that could be kept apart. gcc's unique symbols cannot be
    # made local.
    set_target_properties(${unit} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
    target_compile_options(${unit} PRIVATE ${flags} -fno-lto $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
    set(objects)
    list(LENGTH ARGN count)
    foreach(i RANGE 1 ${count})
      list(APPEND objects ${directory}/${target}_${i}${CMAKE_CXX_OUTPUT_EXTENSION})
    endforeach()
    add_custom_command(OUTPUT ${objects}
      COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DOBJCOPY=${CMAKE_OBJCOPY} "-DFROM=$<JOIN:$<TARGET_OBJECTS:${unit}>,|>"
              -DTO=${directory}/${target}_ -DEXTENSION=${CMAKE_CXX_OUTPUT_EXTENSION}
              -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/localize.cmake
      DEPENDS $<TARGET_OBJECTS:${unit}> ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/localize.cmake
      COMMENT "Making weak symbols of ${unit} local" VERBATIM)
    set_source_files_properties(${objects} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
    target_sources(${library} PRIVATE ${objects})
  endforeach()
endfunction()
