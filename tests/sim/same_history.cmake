# Runs the same seeds in two processes, of one build or of two, and compares traces and disks:
#   cmake -D FIRST=build/debug/tests/sim/moldau_sim -D SECOND=build/release/tests/sim/moldau_sim -D SEEDS=1..4 -P …

foreach(which IN ITEMS FIRST SECOND)
  execute_process(COMMAND ${${which}} --seeds ${SEEDS} OUTPUT_VARIABLE output RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${${which}} fails:\n${output}")
  endif()
  string(REGEX MATCHALL "seed [0-9]+\n|  trace [^\n]*\n" ${which}_hashes "${output}")
endforeach()
if(NOT FIRST_hashes STREQUAL SECOND_hashes)
  message(FATAL_ERROR "two histories of the same seeds:\n${FIRST_hashes}\n${SECOND_hashes}")
endif()
message(STATUS "equal: ${FIRST_hashes}")
