#include <moldau/protocol/messages/create_partitions.h>

#include "commands/configs.h"
#include "output/json.h"

namespace moldau::cli {

using protocol::ErrorCode;

namespace {

runtime::Task<Outcome<>> add_partitions(Session& session, const TopicAlter& asked, bool dry_run) {
    protocol::CreatePartitionsRequest request;
    request.timeout_ms = 30'000;
    request.validate_only = dry_run;
    auto& topic = request.topics.emplace_back();
    topic.name = protocol::Text::borrow(asked.name);
    topic.count = *asked.partitions;
    topic.assignments.reset();
    CLI_CO_TRY(answer, co_await session.call(request));
    for (const auto& result : answer->results)
        if (result.error_code != ErrorCode::none)
            co_return std::unexpected(
                failure_of(result.error_code, fmt::format("topic '{}'", asked.name), result.error_message));
    co_return Outcome<>();
}

}  // namespace

CommandTask topic_alter(const Context& context, const TopicAlter& asked) {
    const bool changes_settings = !asked.add.empty() || !asked.remove.empty();
    if (changes_settings && asked.partitions) {
        // What is refused then leaves the settings as they are.
        const Outcome<> possible = co_await add_partitions(context.session, asked, true);
        if (!possible) co_return context.report(possible.error());
    }
    if (changes_settings) {
        const Outcome<> changed = co_await change_configs(context.session, {ConfigEntity::Kind::topic, asked.name},
                                                          asked.add, asked.remove, asked.dry_run);
        if (!changed) co_return context.report(changed.error());
    }
    if (asked.partitions) {
        Outcome<> added = co_await add_partitions(context.session, asked, asked.dry_run);
        if (!added && changes_settings && !asked.dry_run)
            added.error().message += "; its settings are altered, its partitions are not";
        if (!added) co_return context.report(added.error());
    }
    if (context.json()) {
        Json json;
        json.begin_object().field("name", asked.name).field("altered", !asked.dry_run).end_object();
        context.print(json.take() + "\n");
    } else {
        context.print(fmt::format("{} topic {}.\n", asked.dry_run ? "Could alter" : "Altered", asked.name));
    }
    co_return ExitCode::ok;
}

}  // namespace moldau::cli
