#pragma once
// A partition of __consumer_offsets in memory, with a hand on the clock: what the machine writes is replayed at once,
// as its driver does.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <moldau/coordinator/group_machine.h>

namespace moldau::coordinator {

using protocol::Blob;
using protocol::ErrorCode;
using protocol::Text;

struct JoinAs {
    std::string member{};
    std::optional<std::string> instance{};
    std::vector<std::string> protocols{"range"};
    std::int32_t session_ms = 10'000;
    std::int32_t rebalance_ms = 60'000;
    std::string type = "consumer";
    std::int16_t version = 9;
    std::string says = "what it says of itself";  ///< its metadata, with each protocol
};

class GroupWorld {
 public:
    explicit GroupWorld(const GroupOptions& with = {}) : options(with) { restart(); }

    /// A new coordinator takes over, which knows the log alone.
    void restart() {
        machine = std::make_unique<GroupMachine>(options);
        answers.clear();
        Offset offset{0};
        for (const Record& record : log) {
            replay(record, offset);
            ++offset;
        }
        decide([&](GroupOutput& out) { machine->on_loaded(context(), out); });
    }

    /// Asks; the answer may come later.
    template <class Request>
    Ticket ask(const Request& request, std::int16_t version = 9, std::string client = "client") {
        const Ticket ticket = ++last_ticket;
        decide([&](GroupOutput& out) {
            machine->handle(ticket, request, {.client_id = client, .host = "10.0.0.1", .api_version = version},
                            context(), out);
        });
        return ticket;
    }
    template <class Response>
    const Response* answer(Ticket ticket) const {
        const auto found = answers.find(ticket);
        return found == answers.end() ? nullptr : &std::get<Response>(found->second);
    }
    template <class Response, class Request>
    Response call(const Request& request, std::int16_t version = 9) {
        const Ticket ticket = ask(request, version);
        const Response* response = answer<Response>(ticket);
        EXPECT_NE(response, nullptr) << "the answer is held back";
        return response == nullptr ? Response{} : *response;
    }

    void advance(std::int64_t ms) {
        const std::int64_t until = now_ms + ms;
        while (machine->next_deadline_ms() <= until) {
            now_ms = std::max(now_ms, machine->next_deadline_ms());
            decide([&](GroupOutput& out) { machine->tick(context(), out); });
        }
        now_ms = until;
    }

    // Of one group.

    Ticket ask_to_join(const JoinAs& as) {
        protocol::JoinGroupRequest request;
        request.group_id = Text(group);
        request.session_timeout_ms = as.session_ms;
        request.rebalance_timeout_ms = as.rebalance_ms;
        request.member_id = Text(as.member);
        if (as.instance) request.group_instance_id = Text(*as.instance);
        request.protocol_type = Text(as.type);
        for (const std::string& name : as.protocols) {
            auto& offered = request.protocols.emplace_back();
            offered.name = Text(name);
            offered.metadata = Blob(Bytes(as.says.begin(), as.says.end()));
        }
        return ask(request, as.version);
    }
    const protocol::JoinGroupResponse* joined(Ticket ticket) const {
        return answer<protocol::JoinGroupResponse>(ticket);
    }
    /// The id that a new member is promised.
    std::string promised_id(const JoinAs& as = {}) {
        const Ticket ticket = ask_to_join(as);
        const auto* response = joined(ticket);
        EXPECT_TRUE(response != nullptr && response->error_code == ErrorCode::member_id_required);
        return response == nullptr ? "" : response->member_id.str();
    }

    Ticket ask_to_sync(const std::string& member, std::int32_t generation,
                       const std::map<std::string, std::string>& assignment = {},
                       std::optional<std::string> instance = std::nullopt) {
        protocol::SyncGroupRequest request;
        request.group_id = Text(group);
        request.generation_id = generation;
        request.member_id = Text(member);
        if (instance) request.group_instance_id = Text(*instance);
        for (const auto& [id, part] : assignment) {
            auto& assigned = request.assignments.emplace_back();
            assigned.member_id = Text(id);
            assigned.assignment = Blob(Bytes(part.begin(), part.end()));
        }
        return ask(request, 5);
    }
    const protocol::SyncGroupResponse* synced(Ticket ticket) const {
        return answer<protocol::SyncGroupResponse>(ticket);
    }

    ErrorCode heartbeat(const std::string& member, std::int32_t generation,
                        std::optional<std::string> instance = std::nullopt) {
        protocol::HeartbeatRequest request;
        request.group_id = Text(group);
        request.generation_id = generation;
        request.member_id = Text(member);
        if (instance) request.group_instance_id = Text(*instance);
        return call<protocol::HeartbeatResponse>(request, 4).error_code;
    }
    ErrorCode leave(const std::string& member, std::optional<std::string> instance = std::nullopt) {
        protocol::LeaveGroupRequest request;
        request.group_id = Text(group);
        auto& leaving = request.members.emplace_back();
        leaving.member_id = Text(member);
        if (instance) leaving.group_instance_id = Text(*instance);
        const auto response = call<protocol::LeaveGroupResponse>(request, 5);
        return response.error_code != ErrorCode::none ? response.error_code : response.members.at(0).error_code;
    }

    struct CommitAs {
        std::string member{};
        std::int32_t generation = -1;
        std::int64_t retention_ms = -1;
        std::int16_t version = 8;
        std::string metadata{};
    };
    ErrorCode commit(const std::string& topic, std::int32_t partition, std::int64_t offset, const CommitAs& as) {
        protocol::OffsetCommitRequest request;
        request.group_id = Text(group);
        request.generation_id_or_member_epoch = as.generation;
        request.member_id = Text(as.member);
        request.retention_time_ms = as.retention_ms;
        auto& committed = request.topics.emplace_back();
        committed.name = Text(topic);
        auto& part = committed.partitions.emplace_back();
        part.partition_index = PartitionIndex(partition);
        part.committed_offset = Offset(offset);
        part.committed_metadata = Text(as.metadata);
        return call<protocol::OffsetCommitResponse>(request, as.version).topics.at(0).partitions.at(0).error_code;
    }
    ErrorCode commit(const std::string& topic, std::int32_t partition, std::int64_t offset) {
        return commit(topic, partition, offset, CommitAs{});
    }
    /// −1 when there is none.
    std::int64_t committed(const std::string& topic, std::int32_t partition) {
        FetchOffsets request;
        request.group.group_id = Text(group);
        request.group.topics.emplace();
        auto& wanted = request.group.topics->emplace_back();
        wanted.name = Text(topic);
        wanted.partition_indexes.push_back(PartitionIndex(partition));
        return call<OffsetsOfGroup>(request).topics.at(0).partitions.at(0).committed_offset.value();
    }
    DescribedGroup describe(std::int16_t version = 5) { return call<DescribedGroup>(DescribeGroup{group}, version); }
    std::string state() { return describe().group_state.str(); }

    /// A group of so many members, stable; returns their ids. The first leads.
    std::vector<std::string> stable_group(std::size_t size, JoinAs as = {}) {
        std::vector<std::string> ids;
        std::vector<Ticket> joins;
        for (std::size_t i = 0; i < size; ++i) {
            as.member = promised_id(as);
            ids.push_back(as.member);
            joins.push_back(ask_to_join(as));
            as.member.clear();
        }
        advance(options.initial_rebalance_delay_ms * 2);
        finish_round(joins);
        const std::string leader = joined(joins.front())->leader.str();
        std::ranges::partition(ids, [&](const std::string& id) { return id == leader; });
        return ids;
    }
    /// Everybody syncs; each is assigned its own id.
    std::int32_t finish_round(const std::vector<Ticket>& joins) {
        std::map<std::string, std::string> assignment;
        std::int32_t generation = -1;
        for (const Ticket ticket : joins) {
            const auto* response = joined(ticket);
            EXPECT_TRUE(response != nullptr && response->error_code == ErrorCode::none);
            if (response == nullptr) return -1;
            generation = response->generation_id;
            assignment.emplace(response->member_id.str(), response->member_id.str());
        }
        std::vector<Ticket> syncs;
        for (const Ticket ticket : joins) {
            const auto* response = joined(ticket);
            const bool leads = response->leader == response->member_id;
            syncs.push_back(ask_to_sync(response->member_id.str(), generation,
                                        leads ? assignment : std::map<std::string, std::string>{}));
        }
        for (const Ticket ticket : syncs) EXPECT_TRUE(synced(ticket) && synced(ticket)->error_code == ErrorCode::none);
        return generation;
    }

    Context context() {
        return {.now_ms = now_ms, .wall_time = Timestamp(wall_base + now_ms), .random = [this] {
                    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
                    return random_state;
                }};
    }

    std::string group = "g";
    GroupOptions options;
    std::unique_ptr<GroupMachine> machine;
    std::vector<Record> log;
    std::map<Ticket, GroupAnswer> answers;
    bool appends_fail = false;
    std::size_t max_batch_bytes = SIZE_MAX;
    std::set<Ticket> refused;  ///< whose answers could not be written
    std::int64_t now_ms = 0;
    static constexpr std::int64_t wall_base = 1'700'000'000'000;

 private:
    template <class Decide>
    void decide(Decide decision) {
        GroupOutput out;
        decision(out);
        std::size_t bytes = 0;
        for (const Record& record : out.records) bytes += record.key.size() + (record.value ? record.value->size() : 0);
        const bool is_too_large = out.is_atomic && bytes > max_batch_bytes;
        if ((appends_fail || is_too_large) && !out.records.empty()) {
            // Who asked is told by the driver; what was decided is undone.
            for (const auto& answer : out.answers) refused.insert(answer.ticket);
            const std::vector<Record> lost = std::move(out.records);
            out = {};
            machine->on_append_failed(lost, context(), out);
            ASSERT_TRUE(out.records.empty());
        }
        for (Record& record : out.records) {
            log.push_back(record);
            replay(record, Offset(static_cast<std::int64_t>(log.size()) - 1));
        }
        for (auto& [ticket, response] : out.answers) {
            const bool first = answers.emplace(ticket, std::move(response)).second;
            EXPECT_TRUE(first) << "ticket " << ticket.value() << " is answered twice";
        }
    }
    void replay(const Record& record, Offset offset) {
        protocol::RecordView view;
        view.key = record.key;
        if (record.value) view.value = *record.value;
        const auto replayed = machine->replay(offset, view);
        ASSERT_TRUE(replayed) << replayed.error().message;
    }

    Ticket last_ticket{0};
    std::uint64_t random_state = 42;
};

/// What consumers say of themselves: version, topics, no user data.
inline std::string subscription(const std::vector<std::string>& topics) {
    std::string bytes{0, 0};
    const auto number = [&](std::uint32_t value, int size) {
        for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
    };
    number(static_cast<std::uint32_t>(topics.size()), 4);
    for (const std::string& topic : topics) {
        number(static_cast<std::uint32_t>(topic.size()), 2);
        bytes += topic;
    }
    number(0xffffffff, 4);
    return bytes;
}

inline std::string text(ByteView bytes) {
    return std::string(text_of(bytes));
}

}  // namespace moldau::coordinator
