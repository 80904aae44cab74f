#include <moldau/protocol/messages/describe_cluster.h>
#include <moldau/runtime/endpoint_text.h>

#include "commands/commands.h"
#include "output/json.h"
#include "output/table.h"

namespace moldau::cli {

CommandTask cluster_describe(const Context& context, const ClusterDescribe&) {
    protocol::DescribeClusterRequest request;
    request.include_fenced_brokers = true;
    auto answer = co_await context.session.call(request);
    if (!answer) co_return context.report(answer.error());
    if ((*answer)->error_code != protocol::ErrorCode::none)
        co_return context.report(failure_of((*answer)->error_code, "the cluster", (*answer)->error_message));

    auto& brokers = answer->message.brokers;
    std::ranges::sort(brokers, {}, [](const auto& broker) { return broker.broker_id; });
    Table table({{"BROKER", Align::right}, {"ADDRESS"}, {"RACK"}, {"STATE"}});
    Json json;
    json.begin_object().field("cluster_id", (*answer)->cluster_id.view()).key("brokers").begin_array();
    for (const auto& broker : brokers) {
        const runtime::Endpoint endpoint{broker.host.str(), static_cast<std::uint16_t>(broker.port)};
        table.add({std::to_string(broker.broker_id.value()), to_text(endpoint), broker.rack ? broker.rack->str() : "-",
                   broker.is_fenced ? "fenced" : "active"});
        json.begin_object()
            .field("id", broker.broker_id.value())
            .field("host", broker.host.view())
            .field("port", broker.port);
        json.key("rack");
        broker.rack ? json.value(broker.rack->view()) : json.null();
        json.field("fenced", broker.is_fenced).end_object();
    }
    json.end_array().end_object();
    context.print(context.json() ? json.take() + "\n"
                                 : fmt::format("Cluster: {}\n\n{}", (*answer)->cluster_id, table.text()));
    co_return ExitCode::ok;
}

}  // namespace moldau::cli
