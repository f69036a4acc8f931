# SPDX-License-Identifier: Apache-2.0
# 64-bit ARM Linux by Debian's cross compiler, tests under qemu-user with that compiler's libraries
# (`sh cmake/setup --arm`). KINGLET_EMULATED_CPU: a processor with the target's instructions.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++ CACHE STRING "")

set(KINGLET_EMULATED_CPU max CACHE STRING "Processor that qemu-aarch64 emulates")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES KINGLET_EMULATED_CPU)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu ${KINGLET_EMULATED_CPU})

# Headers alone are used of these, and flatc, which runs here: the build machine's packages serve.
if(NOT DEFINED FlatBuffers_DIR)
  file(GLOB package /usr/lib/*/cmake/flatbuffers)
  if(package)
    list(GET package 0 FlatBuffers_DIR)
  endif()
endif()
