#pragma once
// The real environment of a command: main makes one and calls run(). Nothing is started before it is needed.

#include <memory>

#include <moldau/cli/cli.h>

namespace moldau::cli {

std::unique_ptr<Environment> make_posix_environment();

}  // namespace moldau::cli
