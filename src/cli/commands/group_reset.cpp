#include <moldau/runtime/disk.h>

#include "commands/commands.h"
#include "consume/offsets.h"
#include "groups/group_client.h"
#include "groups/log_offsets.h"
#include "groups/reset.h"
#include "output/json.h"
#include "output/table.h"

namespace moldau::cli {

using protocol::ErrorCode;
using runtime::Task;

namespace {

using Kind = ResetTarget::Kind;
constexpr std::uint64_t max_file_bytes = std::uint64_t{64} << 20;

Task<Outcome<PartitionOffsets>> read_plan(const Context& context, const GroupReset& asked) {
    runtime::Disk& disk = context.world.disk;
    const Result<Bytes> content = co_await runtime::run_blocking(disk, context.world.shard, [&disk, path = asked.file] {
        return runtime::read_whole(disk, path, max_file_bytes);
    });
    if (!content) co_return std::unexpected(failure_of(content.error()));
    auto offsets = parse_reset_file(text_of(*content), asked.group);
    if (!offsets) co_return std::unexpected(failure_of(std::move(offsets).error().within(asked.file)));
    if (offsets->empty())
        co_return failed(ExitCode::not_found,
                         fmt::format("{} holds no offsets of group '{}'", asked.file, asked.group));
    co_return std::move(*offsets);
}

/// The members would go on where they are, and commit that.
Task<Outcome<>> check_that_nobody_reads(const Context& context, GroupClient& groups, const GroupReset& asked) {
    const auto group = co_await groups.describe(asked.group);
    if (!group && group.error().code == ExitCode::not_found) {
        context.note("moldau: there is no group '{}' yet{}", asked.group, asked.execute ? "; it is made" : "");
        co_return Outcome<>();
    }
    if (!group) co_return std::unexpected(group.error());
    if (group->members.empty() && (group->state == "Empty" || group->state == "Dead")) co_return Outcome<>();
    co_return failed(
        ExitCode::failed,
        fmt::format("group '{}' is {} with {} member{}; offsets can only be reset while nobody reads: stop "
                    "its members first ('moldau group describe {} --members' shows them)",
                    asked.group, group->state, group->members.size(), group->members.size() == 1 ? "" : "s",
                    asked.group));
}

/// Those that exist of the ones that are asked for.
Task<Outcome<TopicPartitionSet>> partitions_to_reset(const Context& context, const GroupReset& asked,
                                                     const PartitionOffsets& known) {
    Session& session = context.session;
    TopicPartitionSet partitions;
    for (const auto& [partition, offset] : known) partitions.insert(partition);
    for (const auto& [topic, indexes] : asked.topics) partitions.insert({topic, 0});
    CLI_CO_CHECK(co_await refresh_topics_of(session, partitions));
    if (asked.topics.empty()) {
        const bool must_be_there = asked.target.kind == Kind::file;
        for (const TopicPartition& partition : partitions) {
            if (is_there(session, partition)) continue;
            if (must_be_there)
                co_return failed(ExitCode::not_found,
                                 fmt::format("{} does not exist; {} names it", to_text(partition), asked.file));
            context.note("moldau: {} does not exist any more; its offset stays", to_text(partition));
        }
        std::erase_if(partitions, [&](const TopicPartition& partition) { return !is_there(session, partition); });
        co_return partitions;
    }
    partitions.clear();
    for (const auto& [name, indexes] : asked.topics) {
        const TopicInfo* topic = session.topic(name);
        const ErrorCode error = topic == nullptr ? ErrorCode::unknown_topic_or_partition : topic->error;
        if (error != ErrorCode::none) co_return std::unexpected(failure_of(error, fmt::format("topic '{}'", name)));
        for (const std::int32_t index : indexes) {
            if (!topic->partitions.contains(index)) co_return no_such_partition(name, index, topic->partitions.size());
            partitions.insert({name, index});
        }
        if (!indexes.empty()) continue;
        for (const auto& [index, partition] : topic->partitions) partitions.insert({name, index});
    }
    co_return partitions;
}

Task<Outcome<std::vector<ResetStep>>> find_steps(const Context& context, GroupClient& groups, const GroupReset& asked) {
    Session& session = context.session;
    PartitionOffsets in_file;
    if (asked.target.kind == Kind::file) {
        CLI_CO_TRY(read, co_await read_plan(context, asked));
        in_file = std::move(read);
    }
    CLI_CO_TRY(committed, co_await groups.committed(asked.group));
    const PartitionOffsets& known = asked.target.kind == Kind::file ? in_file : committed;
    CLI_CO_TRY(partitions, co_await partitions_to_reset(context, asked, asked.topics.empty() ? known : in_file));
    CLI_CO_TRY(starts, co_await log_offsets(session, partitions, earliest_offset, groups.outage()));
    CLI_CO_TRY(ends, co_await log_offsets(session, partitions, latest_offset, groups.outage()));
    PartitionOffsets at_time;
    if (asked.target.kind == Kind::time || asked.target.kind == Kind::ago) {
        Timestamp time(asked.target.value);
        if (asked.target.kind == Kind::ago) time = context.world.shard.clock().wall_time() - asked.target.value;
        // Below are ListOffsets' words for the ends.
        time = std::max(time, Timestamp(0));
        CLI_CO_TRY(found, co_await log_offsets(session, partitions, time, groups.outage()));
        at_time = std::move(found);
    }
    std::vector<ResetInput> inputs;
    for (const TopicPartition& partition : partitions) {
        ResetInput& input = inputs.emplace_back();
        input.partition = partition;
        if (const auto found = committed.find(partition); found != committed.end()) input.committed = found->second;
        input.log_start = starts[partition];
        input.log_end = ends[partition];
        if (const auto found = at_time.find(partition); found != at_time.end()) input.at_time = found->second;
        if (const auto found = in_file.find(partition); found != in_file.end()) input.in_file = found->second;
    }
    co_return plan_reset(asked.target, inputs);
}

Task<Outcome<PartitionErrors>> apply(GroupClient& groups, const GroupReset& asked,
                                     const std::vector<ResetStep>& steps) {
    PartitionOffsets offsets;
    for (const ResetStep& step : steps) offsets[step.partition] = step.offset;
    CLI_CO_TRY(errors, co_await groups.commit(asked.group, {}, offsets));
    for (const auto& [partition, error] : errors)
        if (error == ErrorCode::unknown_member_id || error == ErrorCode::rebalance_in_progress ||
            error == ErrorCode::illegal_generation)
            co_return failed(ExitCode::failed, fmt::format("group '{}' has got members meanwhile, and nothing was "
                                                           "reset: stop its members first",
                                                           asked.group));
    co_return errors;
}

void print_steps(const Context& context, const GroupReset& asked, const std::vector<ResetStep>& steps) {
    Table table({{"TOPIC"}, {"PARTITION", Align::right}, {"COMMITTED", Align::right}, {"NEW OFFSET", Align::right}});
    Json json;
    json.begin_object().field("group", asked.group).field("executed", asked.execute).key("partitions").begin_array();
    for (const ResetStep& step : steps) {
        table.add({step.partition.topic, std::to_string(step.partition.partition),
                   step.committed ? fmt::format("{}", *step.committed) : "-", fmt::format("{}", step.offset)});
        json.begin_object().field("topic", step.partition.topic).field("partition", step.partition.partition);
        json.key("committed_offset");
        step.committed ? json.value(step.committed->value()) : json.null();
        json.field("new_offset", step.offset.value()).end_object();
    }
    if (asked.export_csv) {
        context.print(reset_file_of(steps));
    } else if (context.json()) {
        context.print(json.end_array().end_object().take() + "\n");
    } else {
        const std::string count = fmt::format("{} offset{}", steps.size(), steps.size() == 1 ? "" : "s");
        context.print(table.text() + (asked.execute ? fmt::format("\nReset {} of group {}.\n", count, asked.group)
                                                    : fmt::format("\nWould reset {} of group {}; --execute does.\n",
                                                                  count, asked.group)));
    }
}

}  // namespace

CommandTask group_reset(const Context& context, const GroupReset& asked) {
    GroupClient groups(context.session, context.notices());
    if (const Outcome<> free = co_await check_that_nobody_reads(context, groups, asked); !free)
        co_return context.report(free.error());
    auto steps = co_await find_steps(context, groups, asked);
    if (!steps) co_return context.report(steps.error());
    if (steps->empty())
        co_return context.report({ExitCode::not_found, fmt::format("group '{}' has no offsets; --topic names what it "
                                                                   "is to read",
                                                                   asked.group)});
    for (const ResetStep& step : *steps)
        if (!step.notice.empty()) context.note("moldau: {}", step.notice);

    ExitCode code = ExitCode::ok;
    if (asked.execute) {
        const auto errors = co_await apply(groups, asked, *steps);
        if (!errors) co_return context.report(errors.error());
        for (const auto& [partition, error] : *errors)
            if (error != ErrorCode::none)
                code = first_failure(code, context.report(failure_of(error, to_text(partition))));
        std::erase_if(*steps, [&](const ResetStep& step) {
            const auto found = errors->find(step.partition);
            return found == errors->end() || found->second != ErrorCode::none;
        });
    }
    print_steps(context, asked, *steps);
    co_return code;
}

}  // namespace moldau::cli
