# SPDX-License-Identifier: Apache-2.0
# The reader's FlatBuffers header asserts one exact version of the library, so it is generated on the machine that
# compiles it, by that machine's own flatc, at configure time.

# kinglet_add_schema(TARGET FBS): generates kinglet/model/schema_generated.hpp and puts it on the INTERFACE target's
# include path, with FlatBuffers itself.
function(kinglet_add_schema target fbs)
  if(TARGET flatbuffers::flatc)
    get_target_property(flatc flatbuffers::flatc LOCATION)
  else()
    find_program(KINGLET_FLATC flatc REQUIRED)
    set(flatc ${KINGLET_FLATC})
  endif()
  set(root ${CMAKE_CURRENT_BINARY_DIR}/kinglet_generated)
  set(out ${root}/kinglet/model)
  set(header ${out}/schema_generated.hpp)
  if(NOT EXISTS ${header} OR ${fbs} IS_NEWER_THAN ${header} OR ${flatc} IS_NEWER_THAN ${header})
    file(MAKE_DIRECTORY ${out})
    execute_process(
      COMMAND ${flatc} --cpp --cpp-std c++17 --scoped-enums --filename-suffix _generated --filename-ext hpp -o ${out} ${fbs}
      RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
    if(NOT result EQUAL 0)
      message(FATAL_ERROR "kinglet: ${flatc} failed on ${fbs}:\n${text}")
    endif()
    file(TOUCH ${header})
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${fbs})
  target_include_directories(${target} SYSTEM INTERFACE $<BUILD_INTERFACE:${root}>)
  foreach(library flatbuffers::flatbuffers flatbuffers::flatbuffers_shared)
    if(TARGET ${library})
      # Headers only: reading and verifying use nothing of the compiled library, and neither does building files.
      get_target_property(includes ${library} INTERFACE_INCLUDE_DIRECTORIES)
      if(includes)
        target_include_directories(${target} SYSTEM INTERFACE $<BUILD_INTERFACE:${includes}>)
      endif()
      break()
    endif()
  endforeach()
endfunction()
