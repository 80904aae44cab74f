# MOLDAU_SANITIZE: empty, "address" (with undefined behaviour) or "thread".
set(MOLDAU_SANITIZE "" CACHE STRING "address, thread or empty")

if(MOLDAU_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
  # Recycled coroutine frames would hide uses after free.
  add_compile_definitions(BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING)
elseif(MOLDAU_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
elseif(NOT MOLDAU_SANITIZE STREQUAL "")
  message(FATAL_ERROR "MOLDAU_SANITIZE is '${MOLDAU_SANITIZE}'; it must be 'address', 'thread' or empty")
endif()
