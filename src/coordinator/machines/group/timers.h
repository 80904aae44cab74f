#pragma once
// The deadlines of a partition's groups. Pure.

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <moldau/coordinator/machine.h>

namespace moldau::coordinator {

struct TimerKey {
    enum class Kind : std::uint8_t {
        session,    ///< of a member, or of one who was promised an id
        join,       ///< of a group: who has not joined until then is out
        sync,       ///< of a group: who has not asked for its assignment until then is out
        retention,  ///< of all: the next search for expired offsets
    };
    Kind kind;
    std::string group;
    std::string member;

    friend auto operator<=>(const TimerKey&, const TimerKey&) = default;
};

class Timers {
 public:
    /// In place of the key's earlier deadline.
    void set(TimerKey key, std::int64_t deadline_ms) {
        cancel(key);
        by_time_.emplace(deadline_ms, key);
        by_key_.emplace(std::move(key), deadline_ms);
    }
    void cancel(const TimerKey& key) {
        const auto found = by_key_.find(key);
        if (found == by_key_.end()) return;
        by_time_.erase({found->second, key});
        by_key_.erase(found);
    }
    std::int64_t next_ms() const { return by_time_.empty() ? never_ms : by_time_.begin()->first; }
    /// The earliest of those that are due, at most `most`.
    std::vector<TimerKey> due(std::int64_t now_ms, std::size_t most) const {
        std::vector<TimerKey> keys;
        for (auto each = by_time_.begin(); each != by_time_.end() && keys.size() < most; ++each) {
            if (each->first > now_ms) break;
            keys.push_back(each->second);
        }
        return keys;
    }
    /// Whether it is still due, which it is not any more then.
    bool take(const TimerKey& key, std::int64_t now_ms) {
        const auto found = by_key_.find(key);
        if (found == by_key_.end() || found->second > now_ms) return false;
        cancel(key);
        return true;
    }

 private:
    std::map<TimerKey, std::int64_t> by_key_;
    std::set<std::pair<std::int64_t, TimerKey>> by_time_;
};

}  // namespace moldau::coordinator
