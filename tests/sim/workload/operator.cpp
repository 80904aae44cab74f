#include <map>

#include <fmt/format.h>

#include <moldau/protocol/messages/describe_configs.h>
#include <moldau/protocol/messages/incremental_alter_configs.h>

#include "clients.h"

namespace moldau::sim {
namespace {

using protocol::ErrorCode;
using runtime::Task;
using std::chrono::milliseconds;

constexpr std::int8_t topic_resource = 2;
constexpr std::int8_t set_operation = 0;

/// Changes configurations of topics that nobody else changes, and reads them again: what was acknowledged stays.
class Operator {
 public:
    Operator(Workload& workload, const runtime::World& world, OperatorPlan plan)
        : session_(workload, world, "operator", workload.simulation.split("operator")), plan_(std::move(plan)) {}

    Task<> run() {
        for (unsigned i = 0; i < plan_.changes; ++i) {
            const Key key = draw_key();
            const std::string value = draw_value(key.second);
            co_await alter(key, value);
            if (session_.random().coin()) co_await describe(draw_known());
            co_await session_.pause(milliseconds(0), plan_.longest_pause);
        }
        for (const auto& [key, setting] : settings_) co_await describe(key);
    }

 private:
    using Key = std::pair<std::string, std::string>;  ///< topic, name
    struct Setting {
        std::string acknowledged;
        /// Were asked for on connections that failed, and may take effect at any time after.
        std::set<std::string> pending;
    };

    Key draw_key() {
        static constexpr std::string_view names[] = {
            "internal.segment.bytes", "segment.ms",     "index.interval.bytes",   "segment.index.bytes",
            "compression.type",       "flush.messages", "message.timestamp.type", "file.delete.delay.ms"};
        return {plan_.topics[session_.random().below(plan_.topics.size())],
                std::string(names[session_.random().below(std::size(names))])};
    }

    Key draw_known() {
        auto known = settings_.begin();
        std::advance(known, static_cast<std::ptrdiff_t>(session_.random().below(settings_.size())));
        return known->first;
    }

    std::string draw_value(std::string_view name) {
        const auto number = [&](std::uint64_t low, std::uint64_t high) {
            return std::to_string(session_.random().between(low, high));
        };
        const auto one_of = [&](std::initializer_list<std::string_view> all) {
            return std::string(all.begin()[session_.random().below(all.size())]);
        };
        if (name == "internal.segment.bytes") return number(12'000, 200'000);
        if (name == "segment.ms") return number(100, 100'000);
        if (name == "index.interval.bytes") return number(0, 5'000);
        if (name == "segment.index.bytes") return number(100, 100'000);
        if (name == "compression.type") return one_of({"producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"});
        if (name == "message.timestamp.type") return one_of({"CreateTime", "LogAppendTime"});
        return number(1, 10'000);
    }

    /// Tries until the change is acknowledged.
    Task<> alter(Key key, std::string value) {
        for (;;) {
            const auto rpc = co_await session_.connect({});
            protocol::IncrementalAlterConfigsRequest request;
            auto& resource = request.resources.emplace_back();
            resource.resource_type = topic_resource;
            resource.resource_name = protocol::Text(key.first);
            auto& config = resource.configs.emplace_back();
            config.name = protocol::Text(key.second);
            config.config_operation = set_operation;
            config.value = protocol::Text(value);
            const bool is_there = session_.workload().topics.contains(key.first);
            const auto answer = co_await session_.ask(rpc, std::move(request));
            if (answer && answer->message.responses.size() == 1) {
                const ErrorCode error = answer->message.responses[0].error_code;
                judge(error, rpc->peer_life(), is_there);
                if (error == ErrorCode::none) break;
            }
            settings_[key].pending.insert(value);
            co_await session_.pause(milliseconds(1), milliseconds(50));
        }
        settings_[key].acknowledged = value;
        session_.workload().simulation.count("configuration changed");
    }

    Task<> describe(Key key) {
        for (;;) {
            const auto rpc = co_await session_.connect({});
            protocol::DescribeConfigsRequest request;
            auto& resource = request.resources.emplace_back();
            resource.resource_type = topic_resource;
            resource.resource_name = protocol::Text(key.first);
            resource.configuration_keys.emplace().emplace_back(key.second);
            const auto answer = co_await session_.ask(rpc, std::move(request));
            if (answer && answer->message.results.size() == 1) {
                const auto& result = answer->message.results[0];
                judge(result.error_code, rpc->peer_life(), true);
                if (result.error_code == ErrorCode::none && result.configs.size() == 1) {
                    compare(key, result.configs[0].value.value_or(protocol::Text("(nothing)")).str());
                    co_return;
                }
            }
            co_await session_.pause(milliseconds(1), milliseconds(50));
        }
    }

    void judge(ErrorCode error, Model::Life life, bool is_there) {
        if (error == ErrorCode::unknown_topic_or_partition && !is_there)
            session_.workload().simulation.count("configuration of a topic that is not there yet");
        else
            session_.judge("configuration", error, life, {ErrorCode::not_controller, ErrorCode::request_timed_out});
    }

    void compare(const Key& key, const std::string& found) {
        const Setting& setting = settings_.at(key);
        session_.workload().simulation.count("configuration read");
        if (found != setting.acknowledged && !setting.pending.contains(found))
            session_.model().broken(
                fmt::format("{} of {} is {}, {} was acknowledged", key.second, key.first, found, setting.acknowledged));
    }

    Session session_;
    const OperatorPlan plan_;
    std::map<Key, Setting> settings_;
};

}  // namespace

Task<> operate(Workload& workload, runtime::World world, OperatorPlan plan, unsigned& done) {
    Operator client(workload, world, std::move(plan));
    co_await client.run();
    ++done;
}

}  // namespace moldau::sim
