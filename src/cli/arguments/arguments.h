#pragma once
// From a command line to a Plan, without doing anything.

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <moldau/cli/cli.h>

#include "plans.h"

namespace moldau::cli {

/// Nothing is left to do but to print: help, the version, or what was wrong with the command line.
struct Finished {
    ExitCode code = ExitCode::ok;
    std::string output;  ///< for standard output
    std::string error;   ///< for standard error
};

using Variables = std::function<std::optional<std::string>(const std::string& name)>;

/// `arguments` without the program's name.
std::variant<Plan, Finished> parse_arguments(std::vector<std::string> arguments, const Variables& variables);

}  // namespace moldau::cli
