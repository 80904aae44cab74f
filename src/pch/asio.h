#pragma once
// Precompiled for modules that run coroutines: the standard library, fmt and Boost.Asio.
#include <boost/asio.hpp>
#include <boost/asio/any_completion_handler.hpp>

#include "std.h"
