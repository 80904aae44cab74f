#pragma once
// The commands as CLI11 sees them; included by the files that define them alone, since CLI11 compiles slowly.

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "arguments/values.h"
#include "plans.h"

namespace moldau::cli {

/// Each adds a group of commands. A command's callback sets `plan.command`.
void define_topic(CLI::App& root, Plan& plan);
void define_config(CLI::App& root, Plan& plan);
void define_cluster(CLI::App& root, Plan& plan);
void define_group(CLI::App& root, Plan& plan);
void define_storage(CLI::App& root, Plan& plan);
void define_produce(CLI::App& root, Plan& plan);
void define_consume(CLI::App& root, Plan& plan);

/// --bootstrap, --timeout and, where `with_output`, --output.
void add_connect_options(CLI::App& command, Plan& plan, bool with_output = true);

/// Refuses all else in words: CLI11's own checks print bounds in digits by the hundred, or say nothing of them.
CLI::Validator whole_number(std::int64_t least, std::int64_t most = std::numeric_limits<std::int32_t>::max());

/// A flag that takes a time span, as `parse` reads it.
void add_duration(CLI::App& command, const char* flag, runtime::Duration& target,
                  Result<runtime::Duration> (*parse)(std::string_view), const char* help);

/// Throws what CLI11 reports as a wrong value of a flag.
[[noreturn]] void throw_wrong_value(const std::string& flag, const std::string& message);

template <class T>
T or_throw(const char* flag, Result<T> parsed) {
    if (!parsed) throw_wrong_value(flag, parsed.error().message);
    return std::move(*parsed);
}

/// A flag whose text `parse` turns into a T in `target`.
template <class T, class Target, class Parse>
CLI::Option* add_parsed(CLI::App& command, const char* flag, Target& target, Parse parse, const char* help) {
    return command.add_option_function<std::string>(
        flag, [flag, &target, parse](const std::string& text) { target = T(or_throw(flag, parse(text))); }, help);
}

/// The topic or topics that a command is for: by place, or as Kafka's tools take them.
template <class Target>
CLI::Option* add_topic(CLI::App& command, const std::string& place, Target& target, const std::string& help) {
    return command.add_option(place + ",--topic", target, fmt::format("{}: by place, or with --topic", help))
        ->option_text(" ");
}

/// A flag that may be given several times, "key=value" each.
inline CLI::Option* add_key_values(CLI::App& command, const char* flag, KeyValues& target, const char* help) {
    return command
        .add_option_function<std::vector<std::string>>(
            flag,
            [flag, &target](const std::vector<std::string>& texts) {
                for (const std::string& text : texts) target.push_back(or_throw(flag, parse_key_value(text)));
            },
            help)
        ->allow_extra_args(false);
}

}  // namespace moldau::cli
