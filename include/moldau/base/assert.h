#pragma once
// Asserts of what only a programmer can get wrong. They stay on in every build: a broker that is wrong must stop.

namespace moldau {

[[noreturn]] void assert_failed(const char* expression, const char* file, int line);

}  // namespace moldau

#define MOLDAU_ASSERT(expression) \
    (static_cast<bool>(expression) ? static_cast<void>(0) : ::moldau::assert_failed(#expression, __FILE__, __LINE__))
