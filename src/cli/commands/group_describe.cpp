#include <moldau/runtime/endpoint_text.h>

#include "commands/commands.h"
#include "consume/offsets.h"
#include "groups/lag.h"
#include "groups/log_offsets.h"
#include "output/json.h"
#include "output/table.h"

namespace moldau::cli {

using runtime::Task;

namespace {

using View = GroupDescribe::View;

/// What is shown of one group.
struct Described {
    GroupInfo group;
    std::string coordinator;
    std::vector<LagRow> rows;  // of View::offsets
};

std::string or_dash(std::string_view text) {
    return text.empty() ? "-" : std::string(text);
}

template <class T>
std::string or_dash(const std::optional<T>& number) {
    return number ? fmt::format("{}", *number) : "-";
}

std::optional<std::int64_t> value_of(const std::optional<Offset>& offset) {
    return offset ? std::optional(offset->value()) : std::nullopt;
}

/// "orders:0,1 refunds:2"
std::string assignment_text(const TopicPartitionSet& partitions) {
    std::string text;
    std::string_view last;
    for (const auto& [topic, index] : partitions) {
        if (topic == last) {
            text += fmt::format(",{}", index);
        } else {
            text += fmt::format("{}{}:{}", text.empty() ? "" : " ", topic, index);
        }
        last = topic;
    }
    return or_dash(text);
}

std::string coordinator_text(const Session& session, NodeId node) {
    const auto broker = session.cluster().brokers.find(node);
    if (broker == session.cluster().brokers.end()) return std::to_string(node.value());
    return fmt::format("{} ({})", node, to_text(broker->second.endpoint));
}

std::string header_of(const Described& described) {
    const GroupInfo& group = described.group;
    return fmt::format("Group:       {}\nState:       {}\nProtocol:    {}\nCoordinator: {}\nMembers:     {}\n",
                       group.id, group.state, or_dash(group.protocol), described.coordinator, group.members.size());
}

std::string offsets_table(const Described& described) {
    Table table({{"TOPIC"},
                 {"PARTITION", Align::right},
                 {"COMMITTED", Align::right},
                 {"LOG END", Align::right},
                 {"LAG", Align::right},
                 {"MEMBER"},
                 {"HOST"},
                 {"CLIENT"}});
    for (const LagRow& row : described.rows)
        table.add({row.partition.topic, std::to_string(row.partition.partition), or_dash(row.committed),
                   or_dash(row.log_end), or_dash(row.lag()), row.member == nullptr ? "-" : row.member->id,
                   row.member == nullptr ? "-" : or_dash(row.member->host),
                   row.member == nullptr ? "-" : or_dash(row.member->client_id)});
    return table.empty() ? "" : "\n" + table.text();
}

std::string members_table(const Described& described, bool verbose) {
    std::vector<Column> columns{{"MEMBER"}, {"INSTANCE"}, {"HOST"}, {"CLIENT"}, {"PARTITIONS", Align::right}};
    if (verbose) columns.push_back({"ASSIGNMENT"});
    Table table(std::move(columns));
    for (const MemberInfo& member : described.group.members) {
        std::vector<std::string> cells{member.id, or_dash(member.instance_id.value_or("")), or_dash(member.host),
                                       or_dash(member.client_id), std::to_string(member.partitions.size())};
        if (verbose) cells.push_back(assignment_text(member.partitions));
        table.add(std::move(cells));
    }
    return table.empty() ? "" : "\n" + table.text();
}

void write_offsets(Json& json, const std::vector<LagRow>& rows) {
    json.key("partitions").begin_array();
    for (const LagRow& row : rows) {
        json.begin_object()
            .field("topic", row.partition.topic)
            .field("partition", row.partition.partition)
            .field("committed_offset", value_of(row.committed))
            .field("log_end_offset", value_of(row.log_end))
            .field("lag", row.lag());
        if (row.member != nullptr)
            json.field("member", row.member->id).field("host", row.member->host).field("client", row.member->client_id);
        json.end_object();
    }
    json.end_array();
}

void write_members(Json& json, const GroupInfo& group, bool verbose) {
    json.key("members").begin_array();
    for (const MemberInfo& member : group.members) {
        json.begin_object()
            .field("member", member.id)
            .field("instance", member.instance_id)
            .field("host", member.host)
            .field("client", member.client_id)
            .field("partition_count", member.partitions.size());
        if (verbose) {
            json.key("partitions").begin_array();
            for (const auto& [topic, index] : member.partitions)
                json.begin_object().field("topic", topic).field("partition", index).end_object();
            json.end_array();
        }
        json.end_object();
    }
    json.end_array();
}

Json json_of(const std::vector<Described>& all, const GroupDescribe& asked) {
    Json json;
    json.begin_array();
    for (const Described& each : all) {
        json.begin_object()
            .field("group", each.group.id)
            .field("state", each.group.state)
            .field("protocol_type", each.group.protocol_type)
            .field("protocol", each.group.protocol)
            .field("coordinator", each.group.coordinator.value())
            .field("member_count", each.group.members.size());
        if (asked.view == View::offsets) write_offsets(json, each.rows);
        if (asked.view == View::members) write_members(json, each.group, asked.verbose);
        json.end_object();
    }
    json.end_array();
    return json;
}

std::string tables_of(const std::vector<Described>& all, const GroupDescribe& asked) {
    if (asked.view == View::state) {
        Table table({{"GROUP"}, {"STATE"}, {"PROTOCOL"}, {"COORDINATOR"}, {"MEMBERS", Align::right}});
        for (const Described& each : all)
            table.add({each.group.id, each.group.state, or_dash(each.group.protocol), each.coordinator,
                       std::to_string(each.group.members.size())});
        return table.text();
    }
    std::string text;
    for (const Described& each : all)
        text += fmt::format("{}{}{}", text.empty() ? "" : "\n", header_of(each),
                            asked.view == View::offsets ? offsets_table(each) : members_table(each, asked.verbose));
    return text;
}

Task<Outcome<std::vector<LagRow>>> find_rows(Session& session, GroupClient& groups, const GroupInfo& group) {
    CLI_CO_TRY(committed, co_await groups.committed(group.id));
    TopicPartitionSet partitions;
    for (const auto& [partition, offset] : committed) partitions.insert(partition);
    for (const MemberInfo& member : group.members)
        partitions.insert(member.partitions.begin(), member.partitions.end());
    PartitionOffsets ends;
    if (!partitions.empty()) {
        CLI_CO_CHECK(co_await refresh_topics_of(session, partitions));
        std::erase_if(partitions, [&](const TopicPartition& partition) { return !is_there(session, partition); });
        CLI_CO_TRY(found, co_await log_offsets(session, partitions, latest_offset, groups.outage()));
        ends = std::move(found);
    }
    co_return lag_rows(group, committed, ends);
}

Task<Outcome<Described>> describe_one(Session& session, GroupClient& groups, std::string id, View view) {
    CLI_CO_TRY(group, co_await groups.describe(std::move(id)));
    Described described{std::move(group), coordinator_text(session, group.coordinator), {}};
    if (view != View::offsets) co_return described;
    CLI_CO_TRY(rows, co_await find_rows(session, groups, described.group));
    described.rows = std::move(rows);
    co_return described;
}

}  // namespace

CommandTask group_describe(const Context& context, const GroupDescribe& asked) {
    GroupClient groups(context.session, context.notices());
    std::vector<std::string> ids = asked.groups;
    if (ids.empty()) {
        auto listed = co_await groups.list({}, {});
        if (!listed) co_return context.report(listed.error());
        for (ListedGroup& group : *listed) ids.push_back(std::move(group.id));
    }
    ExitCode code = ExitCode::ok;
    std::vector<Described> all;
    for (const std::string& id : ids) {
        auto described = co_await describe_one(context.session, groups, id, asked.view);
        if (described) {
            all.push_back(std::move(*described));
        } else {
            code = first_failure(code, context.report(described.error()));
        }
    }
    context.print(context.json() ? json_of(all, asked).take() + "\n" : tables_of(all, asked));
    co_return code;
}

}  // namespace moldau::cli
