# Generates the messages from schema/*.kmsg. Sets MOLDAU_MESSAGES_DIRECTORY, MOLDAU_MESSAGES_SOURCES and
# MOLDAU_MESSAGES_JSON_SOURCES.
set(generator "${CMAKE_CURRENT_SOURCE_DIR}/generator/generate.py")
set(schema_directory "${CMAKE_CURRENT_SOURCE_DIR}/schema")
set(MOLDAU_MESSAGES_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/generated")

file(GLOB_RECURSE schemas CONFIGURE_DEPENDS "${schema_directory}/*.kmsg")
file(GLOB generator_files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/generator/*.py")
# A schema that fails to parse fails the configuration, too: it decides which files there are.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${generator_files})
execute_process(
  COMMAND "${Python3_EXECUTABLE}" -B "${generator}" --list "${schema_directory}" "${MOLDAU_MESSAGES_DIRECTORY}"
  OUTPUT_VARIABLE outputs OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" outputs "${outputs}")

# The stamp is what is new after each run; the outputs keep their times when their content is the same.
set(stamp "${MOLDAU_MESSAGES_DIRECTORY}/stamp")
add_custom_command(
  OUTPUT "${stamp}" BYPRODUCTS ${outputs}
  COMMAND "${Python3_EXECUTABLE}" -B "${generator}" "${schema_directory}" "${MOLDAU_MESSAGES_DIRECTORY}"
  COMMAND "${CMAKE_COMMAND}" -E touch "${stamp}"
  DEPENDS ${schemas} ${generator_files}
  COMMENT "Generating messages" VERBATIM)
add_custom_target(moldau_messages DEPENDS "${stamp}")

set(MOLDAU_MESSAGES_SOURCES ${outputs})
list(FILTER MOLDAU_MESSAGES_SOURCES INCLUDE REGEX "/(messages_[0-9]+|api_table_data)\\.cpp$")
set(MOLDAU_MESSAGES_JSON_SOURCES ${outputs})
list(FILTER MOLDAU_MESSAGES_JSON_SOURCES INCLUDE REGEX "/(json_[0-9]+|message_type_table)\\.cpp$")
