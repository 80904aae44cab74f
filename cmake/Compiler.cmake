# The compiler, its warnings, and what keeps builds fast on two cores.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles ordinary coroutines (double frees with co_await in a conditional, "
    "in an aggregate's initialiser and with temporaries as arguments). Use clang++-19: cmake --preset release does.")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)

# Asserts are the project's own (base/assert.h) and stay on in every build type.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")

add_library(moldau_options INTERFACE)
target_compile_options(moldau_options INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -fno-omit-frame-pointer)
target_include_directories(moldau_options INTERFACE "${CMAKE_SOURCE_DIR}/include")

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # A precompiled header's timestamp would defeat ccache.
  target_compile_options(moldau_options INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
  add_link_options(-fuse-ld=lld)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${CCACHE}")
endif()
