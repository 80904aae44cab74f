#pragma once
// What all roles work on: the log's ends, the control history, the output that is being collected.

#include <span>

#include <moldau/raft/core.h>

namespace moldau::raft {

class Context {
 public:
    Context(Options options, Recovered recovered);

    const Options& options() const { return options_; }
    const ControlHistory& control() const { return control_; }
    bool is_only_voter() const { return control_.voters().is_only_voter(options_.self); }

    Offset log_end() const { return log_end_; }
    Offset durable_end() const { return durable_end_; }
    Offset high_watermark() const { return high_watermark_; }
    bool is_saved(const ElectionState& state) const { return saved_ == state; }

    void save(const ElectionState& state);
    /// Values as records without keys; nothing, and nothing is appended, when they are too large.
    std::optional<Offset> append_records(LeaderEpoch epoch, std::span<const Bytes> values, Timestamp timestamp,
                                         Grouping grouping);
    void append_control(LeaderEpoch epoch, std::span<const ControlRecord> records, Timestamp timestamp);
    void note_persisted(const Persisted& persisted);
    /// Moves the high watermark; going back is ignored.
    void commit_to(Offset end);
    void announce(const Leadership& leadership) { output_.leadership = leadership; }
    void send(Message message) { output_.send_now.push_back(std::move(message)); }

    Output take_output() { return std::exchange(output_, {}); }

 private:
    void append(protocol::BatchBuilder&& batch, LeaderEpoch epoch);

    const Options options_;
    ControlHistory control_;
    Offset log_end_;
    Offset durable_end_;     ///< <= log_end_
    Offset high_watermark_;  ///< <= durable_end_
    ElectionState saved_;    ///< what quorum-state is known to hold
    Output output_;
};

}  // namespace moldau::raft
