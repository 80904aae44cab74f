#include <algorithm>

#include <fmt/format.h>

#include <moldau/base/nearest.h>
#include <moldau/cli/unexpected_argument.h>

namespace moldau::cli {

namespace {

bool is_option(const std::string& word) {
    return word.starts_with('-') && word.find_first_not_of('-') != std::string::npos;
}

/// As they are written without the dashes. Groups of options are subcommands without a name.
std::vector<std::string_view> long_names(const CLI::App& command) {
    std::vector<std::string_view> names;
    for (const CLI::Option* option : command.get_options())
        names.insert(names.end(), option->get_lnames().begin(), option->get_lnames().end());
    for (const CLI::App* each : command.get_subcommands([](const CLI::App* sub) { return sub->get_name().empty(); })) {
        const auto of_group = long_names(*each);
        names.insert(names.end(), of_group.begin(), of_group.end());
    }
    return names;
}

}  // namespace

std::optional<std::string> unexpected_argument(const CLI::App& command) {
    std::vector<std::string> words = command.remaining();
    std::erase(words, "--");
    if (words.empty()) return std::nullopt;
    const auto option = std::ranges::find_if(words, is_option);
    if (option == words.end()) return fmt::format("unexpected argument '{}'", words.front());
    const std::string name = option->substr(0, option->find('='));
    const std::string_view without_dashes = std::string_view(name).substr(name.find_first_not_of('-'));
    const auto nearest = nearest_name(long_names(command), without_dashes);
    return fmt::format("there is no option {}{}", name, nearest ? fmt::format("; did you mean --{}?", *nearest) : "");
}

}  // namespace moldau::cli
