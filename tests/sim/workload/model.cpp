#include "model.h"

#include <fmt/format.h>

namespace moldau::sim {
namespace {

std::string text_of(RecordId id) {
    return fmt::format("record {} of producer {}", id.number, id.producer);
}

std::string text_of(const Model::Partition& partition) {
    return fmt::format("{}-{}", partition.topic, partition.index);
}

}  // namespace

void Model::broken(std::string what) {
    if (violation_.empty()) violation_ = std::move(what);
}

void Model::topic_deleted(const std::string& topic) {
    deleted_.insert(topic);
    std::erase_if(logs_, [&](const auto& log) { return log.first.topic == topic; });
}

void Model::bytes_may_be_lost(const Partition& partition, std::uint64_t bytes) {
    if (deleted_.contains(partition.topic)) return;
    auto& most = logs_[partition].most_lost_bytes;
    most = std::max(most, bytes);
}

Model::Committed Model::committed(const Partition& partition) const {
    const auto log = logs_.find(partition);
    if (log == logs_.end()) return {};
    return {log->second.firm_until, log->second.firm_life};
}

std::vector<Model::Partition> Model::partitions() const {
    std::vector<Partition> partitions;
    for (const auto& [partition, log] : logs_) partitions.push_back(partition);
    return partitions;
}

void Model::sent(const Partition& partition, const Payload& payload) {
    if (deleted_.contains(partition.topic)) return;
    ++sent_;
    logs_[partition].sent.emplace(payload.id, payload);
}

bool Model::lost_between(Life earlier, Life later) const {
    const auto loss = lossy_ends_.lower_bound(earlier);
    return loss != lossy_ends_.end() && *loss < later;
}

bool Model::lost_since(Life life) const {
    return lossy_ends_.lower_bound(life) != lossy_ends_.end();
}

void Model::acknowledged(const Partition& partition, const std::vector<RecordId>& ids, std::int64_t base_offset,
                         Acks acks, Life life) {
    if (deleted_.contains(partition.topic)) return;
    Log& log = logs_[partition];
    for (std::size_t i = 0; i < ids.size(); ++i) {
        ++acknowledged_;
        const auto sent = log.sent.find(ids[i]);
        if (sent == log.sent.end())
            return broken(
                fmt::format("{}: {} is acknowledged and was never sent", text_of(partition), text_of(ids[i])));
        if (base_offset >= 0) {
            place(partition, log, base_offset + static_cast<std::int64_t>(i), sent->second, life);
        } else if (acks == Acks::all) {
            log.firm_somewhere.insert(ids[i]);
        }
    }
    if (acks == Acks::all && base_offset >= 0 && !ids.empty())
        make_firm(log, base_offset + static_cast<std::int64_t>(ids.size()), ids.back(), "acknowledged", life);
}

void Model::observed(const Partition& partition, std::int64_t offset, const Payload& payload, Life life) {
    if (deleted_.contains(partition.topic)) return;
    ++observed_;
    Log& log = logs_[partition];
    if (!log.sent.contains(payload.id))
        return broken(fmt::format("{}: {} was never sent there, and stands at {}", text_of(partition),
                                  text_of(payload.id), offset));
    place(partition, log, offset, payload, life);
    if (payload.acks == Acks::all) make_firm(log, offset + 1, payload.id, "read", life);
}

void Model::make_firm(Log& log, std::int64_t until, RecordId id, std::string_view because, Life life) {
    if (until <= log.firm_until) return;
    // What an earlier life showed there and lost is not what became durable now.
    std::erase_if(log.entries, [&](const auto& entry) {
        return entry.first >= log.firm_until && entry.first < until && lost_between(entry.second.life, life);
    });
    log.firm_until = until;
    log.firm_life = life;
    log.firm_because = fmt::format("{} was {} at {} in life {}", text_of(id), because, until - 1, life);
}

void Model::place(const Partition& partition, Log& log, std::int64_t offset, const Payload& payload, Life life) {
    const auto found = log.entries.find(offset);
    if (found != log.entries.end() && found->second.id == payload.id) {
        found->second.life = std::max(found->second.life, life);
        return;
    }
    const bool may_be_stale = offset < log.firm_until && payload.acks != Acks::all && lost_between(life, log.firm_life);
    if (found == log.entries.end() && may_be_stale) return;
    if (!replace(partition, log, offset, payload, life)) return;
    if (payload.idempotent) {
        const auto before = log.offsets.find(payload.id);
        if (before != log.offsets.end()) {
            const std::int64_t first = before->second;
            const Entry& old = log.entries.at(first);
            if (first < log.firm_until || !lost_between(old.life, life))
                return broken(fmt::format("{}: {} stands at {} and again at {}", text_of(partition),
                                          text_of(payload.id), first, offset));
            erase_from(log, first);
        }
        check_order(partition, log, offset, payload);
        log.offsets[payload.id] = offset;
    }
    log.entries.insert_or_assign(offset, Entry{payload.id, payload.idempotent, life});
}

/// Makes room at `offset`; false when what stands there is the later truth, or a promise is broken.
bool Model::replace(const Partition& partition, Log& log, std::int64_t offset, const Payload& payload, Life life) {
    const auto found = log.entries.find(offset);
    if (found == log.entries.end()) return true;
    const Entry& old = found->second;
    if (offset < log.firm_until) {
        // What an earlier life showed before it lost it may be told late.
        if (payload.acks != Acks::all && lost_between(life, old.life)) return false;
        broken(fmt::format("{}: at {} stands {} in life {}, where {} of life {} is committed, since {}",
                           text_of(partition), offset, text_of(payload.id), life, text_of(old.id), old.life,
                           log.firm_because));
        return false;
    }
    if (lost_between(life, old.life)) return false;
    if (!lost_between(old.life, life)) {
        broken(fmt::format("{}: at {} stands {}, where {} was, and no data was lost since", text_of(partition), offset,
                           text_of(payload.id), text_of(old.id)));
        return false;
    }
    erase_from(log, offset);
    return true;
}

void Model::erase_from(Log& log, std::int64_t offset) {
    for (auto entry = log.entries.lower_bound(offset); entry != log.entries.end(); entry = log.entries.erase(entry))
        if (entry->second.idempotent) log.offsets.erase(entry->second.id);
}

void Model::check_order(const Partition& partition, const Log& log, std::int64_t offset, const Payload& payload) {
    const auto next = log.offsets.upper_bound(payload.id);
    const auto wrong = [&](const RecordId& other, std::int64_t at) {
        broken(fmt::format("{}: {} stands at {}, {} at {}", text_of(partition), text_of(payload.id), offset,
                           text_of(other), at));
    };
    if (next != log.offsets.end() && next->first.producer == payload.id.producer && next->second < offset)
        wrong(next->first, next->second);
    if (next == log.offsets.begin()) return;
    const auto before = std::prev(next);
    if (before->first.producer == payload.id.producer && before->first != payload.id && before->second > offset)
        wrong(before->first, before->second);
}

void Model::high_watermark(const Partition& partition, std::uint32_t consumer, std::int64_t high_watermark, Life life) {
    if (deleted_.contains(partition.topic)) return;
    auto& [last_life, last] = logs_[partition].high_watermarks[consumer];
    if (last_life == life && high_watermark < last)
        broken(fmt::format("{}: the high watermark went from {} back to {}", text_of(partition), last, high_watermark));
    last_life = life;
    last = high_watermark;
}

void Model::out_of_range(const Partition& partition, const OutOfRange& told) {
    if (deleted_.contains(partition.topic)) return;
    const bool retained = retained_.contains(partition.topic);
    // A loss may take the first segment, where nothing was durable, and leave a later one.
    const bool may_be = told.offset < told.log_start
                            ? retained || lost_between(0, told.life)
                            : told.offset > told.committed && lost_between(told.told_by, told.life);
    // Retention moves the log start before that is noted on disk: the next life may begin below it.
    const bool may_have_been = retained && told.start_told_by > told.life;
    if (!may_be && !may_have_been)
        broken(fmt::format(
            "{}: {}, that life {} told of, is out of range in life {}; {} were committed, the log starts at {}",
            text_of(partition), told.offset, told.told_by, told.life, told.committed, told.log_start));
}

void Model::check_whole(const Partition& partition, const Reading& reading) {
    if (deleted_.contains(partition.topic)) return;
    const Log& log = logs_[partition];
    if (reading.log_end < log.firm_until)
        broken(fmt::format("{}: the log ends at {}, {} are committed", text_of(partition), reading.log_end,
                           log.firm_until));
    if (compacts(partition.topic)) return check_compacted(partition, log, reading);
    const auto retained = retained_.find(partition.topic);
    // Retention counts what is not durable yet, too. One loss bounds them all: what it takes was written since the one
    // before, and so was there besides what that one left.
    const bool may_be_trimmed = retained != retained_.end() && reading.bytes + log.most_lost_bytes >= retained->second;
    const auto lost = [&](RecordId id) {
        broken(fmt::format("{}: {} is gone; {} are committed, the log goes from {} to {}, {} bytes from there",
                           text_of(partition), text_of(id), log.firm_until, reading.log_start, reading.log_end,
                           reading.bytes));
    };
    for (const auto& [offset, entry] : log.entries) {
        const bool trimmed = offset < reading.log_start && may_be_trimmed;
        const bool stays = offset < log.firm_until || !lost_since(entry.life);
        if (!trimmed && stays && !reading.records.contains(entry.id)) lost(entry.id);
    }
    if (reading.log_start > 0 && may_be_trimmed) return;  // where those without a known offset stood is not told
    for (const RecordId id : log.firm_somewhere)
        if (!reading.records.contains(id)) lost(id);
}

void Model::check_compacted(const Partition& partition, const Log& log, const Reading& reading) {
    struct Key {
        std::optional<std::int64_t> last;         ///< of the records that stay, unless a later one of the key does
        std::optional<std::int64_t> last_there;   ///< was read
        std::optional<std::int64_t> last_delete;  ///< that may have been there
        bool may_be_deleted = false;              ///< at an offset that nobody was told
    };
    std::map<std::uint32_t, Key> keys;
    std::set<RecordId> placed;
    for (const auto& [offset, entry] : log.entries) {
        const Payload& payload = log.sent.at(entry.id);
        Key& key = keys[payload.key];
        placed.insert(entry.id);
        if (offset < log.firm_until || !lost_since(entry.life)) key.last = offset;
        if (reading.offsets.contains(offset)) key.last_there = offset;
        if (payload.deletes) key.last_delete = offset;
    }
    for (const auto& [id, payload] : log.sent)
        if (payload.deletes && !placed.contains(id)) keys[payload.key].may_be_deleted = true;
    for (const auto& [number, key] : keys) {
        if (!key.last || key.last_there >= key.last) continue;
        const RecordId id = log.entries.at(*key.last).id;
        const bool deletes = log.sent.at(id).deletes;
        if (!deletes && key.last_delete < key.last && !key.may_be_deleted)
            return broken(fmt::format("{}: {}, the last of key {}, is gone from {}", text_of(partition), text_of(id),
                                      number, *key.last));
        if (deletes && key.last_there)
            return broken(fmt::format("{}: {} at {} deleted key {} and is gone, but {} is still there",
                                      text_of(partition), text_of(id), *key.last, number, *key.last_there));
    }
    for (const RecordId id : log.firm_somewhere) {
        const Payload& payload = log.sent.at(id);
        if (!payload.deletes && !keys[payload.key].last_there && !keys[payload.key].last_delete &&
            !keys[payload.key].may_be_deleted)
            return broken(fmt::format("{}: {} is gone, and nothing of its key {} is there", text_of(partition),
                                      text_of(id), payload.key));
    }
}

}  // namespace moldau::sim
