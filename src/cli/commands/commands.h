#pragma once
// The commands, a file each. Those that talk to brokers are coroutines over an open Session.

#include <fmt/format.h>

#include "failure.h"
#include "plans.h"
#include "session.h"

namespace moldau::cli {

/// What an online command works with. Outlives it.
struct Context {
    Session& session;
    OnlineWorld& world;
    OutputFormat output = OutputFormat::table;

    void print(std::string_view text) const {
        // A reader that is gone has no use for what is left; of any other failure run() tells.
        (void)world.terminal.write_output(bytes_of(text));
    }
    template <class... Args>
    void note(fmt::format_string<Args...> format, Args&&... args) const {
        world.terminal.write_error(fmt::format(format, std::forward<Args>(args)...) + "\n");
    }
    /// Tells of a failure on standard error; returns its exit code.
    ExitCode report(const Failure& failure) const {
        note("moldau: {}", failure.message);
        return failure.code;
    }
    /// Tells of what goes on by itself.
    std::function<void(const std::string&)> notices() const {
        return [this](const std::string& notice) { note("moldau: {}", notice); };
    }
    bool json() const { return output == OutputFormat::json; }
};

using CommandTask = runtime::Task<ExitCode>;

CommandTask topic_create(const Context& context, const TopicCreate& asked);
CommandTask topic_list(const Context& context, const TopicList& asked);
CommandTask topic_describe(const Context& context, const TopicDescribe& asked);
CommandTask topic_alter(const Context& context, const TopicAlter& asked);
CommandTask topic_delete(const Context& context, const TopicDelete& asked);
CommandTask config_describe(const Context& context, const ConfigDescribe& asked);
CommandTask config_alter(const Context& context, const ConfigAlter& asked);
CommandTask cluster_id(const Context& context, const ClusterId& asked);
CommandTask cluster_describe(const Context& context, const ClusterDescribe& asked);
CommandTask cluster_quorum(const Context& context, const ClusterQuorum& asked);
CommandTask cluster_features(const Context& context, const ClusterFeatures& asked);
CommandTask group_list(const Context& context, const GroupList& asked);
CommandTask group_describe(const Context& context, const GroupDescribe& asked);
CommandTask group_reset(const Context& context, const GroupReset& asked);
CommandTask group_delete(const Context& context, const GroupDelete& asked);
CommandTask group_delete_offsets(const Context& context, const GroupDeleteOffsets& asked);
CommandTask produce(const Context& context, const Produce& asked);
CommandTask consume(const Context& context, const Consume& asked);

/// A topic has at least one partition, and they are numbered from 0 on.
inline std::unexpected<Failure> no_such_partition(std::string_view topic, std::int32_t index, std::size_t count) {
    return failed(ExitCode::not_found,
                  fmt::format("topic '{}' has no partition {}; it has {}", topic, index,
                              count == 1 ? "one: 0" : fmt::format("{}: 0 to {}", count, count - 1)));
}

/// A sequence of numbers, or of ids, with commas between.
template <class Range>
std::string joined(const Range& range) {
    return fmt::format("{}", fmt::join(range, ","));
}

}  // namespace moldau::cli
