#include <moldau/protocol/messages/create_topics.h>

#include "commands/commands.h"
#include "output/json.h"

namespace moldau::cli {

using protocol::ErrorCode;
using protocol::Text;

namespace {

protocol::CreateTopicsRequest request_of(const TopicCreate& asked) {
    protocol::CreateTopicsRequest request;
    request.validate_only = asked.dry_run;
    request.timeout_ms = 30'000;
    for (const std::string& name : asked.names) {
        auto& topic = request.topics.emplace_back();
        topic.name = Text::borrow(name);
        topic.num_partitions = asked.partitions;
        topic.replication_factor = asked.replication_factor;
        for (const auto& [key, value] : asked.configs) {
            auto& config = topic.configs.emplace_back();
            config.name = Text::borrow(key);
            config.value = Text::borrow(value);
        }
    }
    return request;
}

/// A broker answers before it has heard of the topics itself; what the user does next should find them.
runtime::Task<void> wait_until_known(Session& session, std::vector<std::string> names) {
    runtime::Shard& shard = session.shard();
    const runtime::TimePoint deadline = runtime::after(shard.now(), std::chrono::seconds(5));
    while (shard.now() < deadline) {
        const Outcome<> known = co_await session.refresh(names);
        if (known && std::ranges::all_of(names, [&](const std::string& name) {
                const TopicInfo* topic = session.topic(name);
                return topic != nullptr && topic->error == ErrorCode::none;
            }))
            co_return;
        co_await runtime::sleep_until(shard, runtime::after(shard.now(), std::chrono::milliseconds(10)));
    }
}

}  // namespace

CommandTask topic_create(const Context& context, const TopicCreate& asked) {
    const protocol::CreateTopicsRequest request = request_of(asked);
    auto answer = co_await context.session.call(request);
    if (!answer) co_return context.report(answer.error());

    ExitCode code = ExitCode::ok;
    Json json;
    json.begin_array();
    std::vector<std::string> created;
    for (const auto& topic : (*answer)->topics) {
        const bool existed = topic.error_code == ErrorCode::topic_already_exists && asked.if_not_exists;
        if (topic.error_code != ErrorCode::none && !existed) {
            code = first_failure(
                code, context.report(failure_of(topic.error_code, fmt::format("topic '{}'", topic.name.view()),
                                                topic.error_message)));
            continue;
        }
        if (!existed && !asked.dry_run) created.push_back(topic.name.str());
        if (context.json()) {
            json.begin_object().field("name", topic.name.view()).field("created", !existed && !asked.dry_run);
            if (!existed) {
                if (!asked.dry_run) json.field("id", topic.topic_id.to_string());
                json.field("partitions", topic.num_partitions).field("replication_factor", topic.replication_factor);
            }
            json.end_object();
        } else if (existed) {
            context.print(fmt::format("Topic {} exists already.\n", topic.name));
        } else {
            context.print(fmt::format("{} topic {}: {} partition{}, replication factor {}.\n",
                                      asked.dry_run ? "Would create" : "Created", topic.name, topic.num_partitions,
                                      topic.num_partitions == 1 ? "" : "s", topic.replication_factor));
        }
    }
    if (context.json()) context.print(json.end_array().take() + "\n");
    if (!created.empty()) co_await wait_until_known(context.session, std::move(created));
    co_return code;
}

}  // namespace moldau::cli
