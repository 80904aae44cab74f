#include <moldau/protocol/messages/delete_topics.h>

#include "commands/commands.h"
#include "output/json.h"

namespace moldau::cli {

using protocol::ErrorCode;
using protocol::Text;

namespace {

/// Nobody is to delete by accident what all groups have committed.
runtime::Task<Outcome<>> check_that_none_is_internal(Session& session, const TopicDelete& asked) {
    CLI_CO_CHECK(co_await session.refresh(asked.names));
    for (const std::string& name : asked.names)
        if (const TopicInfo* topic = session.topic(name); topic != nullptr && topic->internal)
            co_return failed(ExitCode::failed, fmt::format("topic '{}' is kept by the cluster for itself; --internal "
                                                           "deletes it all the same",
                                                           name));
    co_return Outcome<>();
}

}  // namespace

CommandTask topic_delete(const Context& context, const TopicDelete& asked) {
    if (!asked.internal)
        if (const Outcome<> may_go = co_await check_that_none_is_internal(context.session, asked); !may_go)
            co_return context.report(may_go.error());
    protocol::DeleteTopicsRequest request;
    request.timeout_ms = 30'000;
    for (const std::string& name : asked.names) {
        request.topics.emplace_back().name = Text::borrow(name);  // version 6
        request.topic_names.push_back(Text::borrow(name));        // before
    }
    auto answer = co_await context.session.call(request);
    if (!answer) co_return context.report(answer.error());

    ExitCode code = ExitCode::ok;
    Json json;
    json.begin_array();
    for (const auto& topic : (*answer)->responses) {
        const std::string_view name = topic.name ? topic.name->view() : "";
        const bool missing = topic.error_code == ErrorCode::unknown_topic_or_partition && asked.if_exists;
        if (topic.error_code != ErrorCode::none && !missing) {
            code = first_failure(code, context.report(failure_of(topic.error_code, fmt::format("topic '{}'", name),
                                                                 topic.error_message)));
        } else if (context.json()) {
            json.begin_object().field("name", name).field("deleted", !missing).end_object();
        } else {
            context.print(fmt::format("{} topic {}.\n", missing ? "There is no" : "Deleted", name));
        }
    }
    if (context.json()) context.print(json.end_array().take() + "\n");
    co_return code;
}

}  // namespace moldau::cli
