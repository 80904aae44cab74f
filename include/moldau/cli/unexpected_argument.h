#pragma once
// What is wrong with a command line that CLI11 refused, where that is a word which it did not expect: CLI11 itself
// takes the value of an option that there is not for a positional, and blames that.

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

namespace moldau::cli {

/// "there is no option --bootstap; did you mean --bootstrap?", or the same of another word: the first option that
/// `command`, whose parsing failed, does not have, else the first word. Nothing where it expected all of them.
std::optional<std::string> unexpected_argument(const CLI::App& command);

}  // namespace moldau::cli
