# moldau_module(<name> SOURCES … USES <modules and libraries> [ASIO])
#
# One static library a module. Headers for other modules are in include/moldau/<name>/, private ones in src/<name>/.
# ASIO: compiled with the precompiled header that holds Boost.Asio; pure modules get the standard library's alone.
function(moldau_module name)
  cmake_parse_arguments(ARG "ASIO" "" "SOURCES;USES" ${ARGN})
  add_library(moldau_${name} STATIC ${ARG_SOURCES})
  add_library(moldau::${name} ALIAS moldau_${name})
  target_include_directories(moldau_${name} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(moldau_${name} PUBLIC moldau_options ${ARG_USES})
  moldau_precompiled(moldau_${name} ${ARG_ASIO})
endfunction()

function(moldau_precompiled target asio)
  if(asio)
    target_link_libraries(${target} PUBLIC moldau_asio_options moldau_pch_asio)
    target_precompile_headers(${target} REUSE_FROM moldau_pch_asio)
  else()
    target_precompile_headers(${target} REUSE_FROM moldau_pch_std)
  endif()
endfunction()
