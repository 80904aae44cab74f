#pragma once
// Reads a topic as a member of a group: prints what it is assigned, commits what was printed every few seconds and at
// the end, and goes on with another assignment when the group has one. Owned by the consume command; on its shard.

#include <map>
#include <memory>
#include <vector>

#include "consume/consumer.h"
#include "consume/printer.h"
#include "groups/membership.h"
#include "plans.h"

namespace moldau::cli {

class GroupReader {
 public:
    using Notify = std::function<void(const std::string&)>;

    /// All outlive it.
    GroupReader(Session& session, const Consume& asked, Printer& printer, Notify notify);
    GroupReader(const GroupReader&) = delete;
    GroupReader& operator=(const GroupReader&) = delete;
    ~GroupReader() { shard_.timers().cancel(patience_); }

    /// Until it is stopped, enough is printed or all is read, and the group is left. Closes the session's connections.
    runtime::Task<Outcome<>> run();

    /// Lets run() end: what is printed is still committed.
    void stop();

 private:
    using Offsets = std::map<std::int32_t, Offset>;

    /// Where partitions begin and, with --exit-at-end, end.
    struct Range {
        Offsets starts;
        Offsets ends;
    };

    runtime::Task<Outcome<>> read_assignments();
    runtime::Task<Outcome<>> read(std::vector<std::int32_t> partitions);
    runtime::Task<Outcome<Range>> find_range(std::vector<std::int32_t> partitions);
    runtime::Task<void> commit_loop(runtime::Gate::Hold hold);
    runtime::Task<Outcome<>> commit();
    bool is_over() const { return stopping_ || membership_.must_rejoin(); }
    void interrupt_reading();

    Session& session_;
    runtime::Shard& shard_;
    const Consume& asked_;
    Printer& printer_;
    Notify notify_;  // a line that comes again is told once: of an outage both the group and the records tell
    std::string last_notice_;
    GroupClient groups_;
    Membership membership_;
    std::unique_ptr<Session> data_;  // of the assignment that is read; over connections of its own
    Consumer* consumer_ = nullptr;   // the same
    Offsets ends_;                   // of each partition, as it was first assigned
    Offsets starts_;                 // of the assignment: where its reading began
    Offsets committed_;              // of the assignment, as far as we know
    bool stopping_ = false;
    runtime::Signal changed_;
    runtime::TimerQueue::Id patience_;
};

}  // namespace moldau::cli
