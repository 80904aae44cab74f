#include <limits>
#include <map>
#include <variant>

#include <fmt/format.h>

#include <moldau/base/number.h>
#include <moldau/raft/quorum_state.h>

namespace moldau::raft {
namespace {

/// Reads the members of one flat JSON object; what they hold besides numbers and plain strings is skipped.
class FlatObject {
 public:
    explicit FlatObject(std::string_view text) : rest_(text) {}

    /// False when the text is no such object.
    bool parse() {
        if (!take('{')) return false;
        if (!take('}')) {
            do {
                std::string_view name;
                if (!string(name) || !take(':') || !member(name)) return false;
            } while (take(','));
            if (!take('}')) return false;
        }
        skip_space();
        return rest_.empty();
    }

    std::optional<std::int64_t> number(std::string_view name) const {
        const auto found = members_.find(name);
        if (found == members_.end()) return std::nullopt;
        return parse_number<std::int64_t>(found->second);
    }
    std::optional<std::string_view> text(std::string_view name) const {
        const auto found = members_.find(name);
        if (found == members_.end()) return std::nullopt;
        return found->second;
    }

 private:
    void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }

    bool take(char c) {
        skip_space();
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    // No field of this file holds characters that JSON escapes.
    bool string(std::string_view& value) {
        if (!take('"')) return false;
        const auto end = rest_.find('"');
        if (end == std::string_view::npos) return false;
        value = rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        return !value.contains('\\');
    }

    bool member(std::string_view name) {
        skip_space();
        if (rest_.starts_with('[')) return skip_array();
        std::string_view value;
        if (rest_.starts_with('"')) {
            if (!string(value)) return false;
        } else {
            value = rest_.substr(0, rest_.find_first_of(",} \t\r\n"));
            rest_.remove_prefix(value.size());
        }
        members_[name] = value;
        return !value.empty() || name == "clusterId";
    }

    // Of objects of numbers: currentVoters.
    bool skip_array() {
        const auto end = rest_.find(']');
        if (end == std::string_view::npos) return false;
        rest_.remove_prefix(end + 1);
        return true;
    }

    std::string_view rest_;
    std::map<std::string_view, std::string_view> members_;
};

template <class Id>
std::optional<Id> id_of(std::optional<std::int64_t> number) {
    using Rep = typename Id::rep;
    if (!number || *number < -1 || *number > std::numeric_limits<Rep>::max()) return std::nullopt;
    return Id(static_cast<Rep>(*number));
}

}  // namespace

std::string encode_quorum_state(const ElectionState& state, std::int16_t kraft_version,
                                const std::vector<NodeId>& voters) {
    const NodeId voted = state.voted ? state.voted->id : no_node;
    if (kraft_version >= 1) {
        const DirectoryId directory = state.voted ? state.voted->directory_id : DirectoryId{};
        return fmt::format(
            R"({{"leaderId":{},"leaderEpoch":{},"votedId":{},"votedDirectoryId":"{}","data_version":1}})",
            state.leader_id, state.epoch, voted, directory);
    }
    std::string list;
    for (const NodeId id : voters) list += fmt::format(R"({}{{"voterId":{}}})", list.empty() ? "" : ",", id);
    return fmt::format(
        R"({{"clusterId":"","leaderId":{},"leaderEpoch":{},"votedId":{},"appliedOffset":0,"currentVoters":[{}],)"
        R"("data_version":0}})",
        state.leader_id, state.epoch, voted, list);
}

Result<ElectionState> decode_quorum_state(std::string_view content) {
    const auto corrupt = [&](std::string_view what) {
        return fail(Errc::corrupt, fmt::format("quorum-state: {} in '{}'", what, content.substr(0, 300)));
    };
    FlatObject object(content);
    if (!object.parse()) return corrupt("no JSON object of this file");
    const auto version = object.number("data_version");
    if (!version || *version < 0 || *version > 1) return corrupt("a data_version other than 0 and 1");
    const auto leader = id_of<NodeId>(object.number("leaderId"));
    const auto epoch = id_of<LeaderEpoch>(object.number("leaderEpoch"));
    const auto voted = id_of<NodeId>(object.number("votedId"));
    if (!leader || !epoch || *epoch < LeaderEpoch(0) || !voted)
        return corrupt("no sane leaderId, leaderEpoch or votedId");

    ElectionState state{.epoch = *epoch, .leader_id = *leader, .voted = std::nullopt};
    if (*voted != no_node) {
        state.voted = ReplicaKey{.id = *voted, .directory_id = {}};
        if (*version >= 1) {
            const auto directory = object.text("votedDirectoryId").and_then(Uuid::parse);
            if (!directory) return corrupt("no sane votedDirectoryId");
            state.voted->directory_id = *directory;
        }
    }
    return state;
}

}  // namespace moldau::raft
