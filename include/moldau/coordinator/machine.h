#pragma once
// What a coordinator's machine and its driver say to each other. A machine is a pure state machine over one partition
// of an internal topic: it decides on requests and on time that passes, and what it wants remembered it writes as
// records. Hard state changes by replay() alone, which is called with the records of the log when the partition is
// loaded, and with the machine's own as soon as they are appended.
//
// A machine M has:
//   M::Answer                                                  a variant of its answers
//   void handle(Ticket, const Request&, const Caller&, const Context&, Output<Answer>&)   one for each request
//   Result<> replay(Offset, const protocol::RecordView&)       a record of the log, in order
//   void on_loaded(const Context&, Output<Answer>&)            all of the log was replayed
//   std::int64_t next_deadline_ms() const                      when tick() has something to do
//   void tick(const Context&, Output<Answer>&)                 time has passed
//   void on_append_failed(std::span<const Record>, const Context&, Output<Answer>&)
//                                                              these could not be written: what was decided is undone

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include <moldau/base/bytes.h>
#include <moldau/base/ids.h>

namespace moldau::coordinator {

/// Names a request until it is answered; given by the driver.
using Ticket = Strong<struct TicketTag, std::uint64_t>;

/// No deadline.
inline constexpr std::int64_t never_ms = INT64_MAX;

/// What a machine may know of the world when it decides.
struct Context {
    std::int64_t now_ms = 0;  ///< monotonic
    Timestamp wall_time{0};
    std::function<std::uint64_t()> random;
};

/// Who asks. Borrowed for the call.
struct Caller {
    std::string_view client_id;
    std::string_view host;  ///< its address
    std::int16_t api_version = 0;
};

struct Record {
    Bytes key;
    std::optional<Bytes> value;  ///< none: a tombstone
};

/// What was decided. The records are appended in their order, as one batch or not at all; where each of them stands for
/// itself, as several if they do not fit into one. The answers are given once these and all that the machine wrote
/// before are committed, unless they need not wait for that.
template <class Response>
struct Output {
    struct Answer {
        Ticket ticket;
        Response response;
    };
    std::vector<Record> records;
    bool is_atomic = true;  ///< the records mean nothing without each other
    std::vector<Answer> answers;
    bool waits = true;  ///< not where nothing is written, and no harm is done by answers that a crash makes untrue

    void answer(Ticket ticket, Response response) { answers.push_back({ticket, std::move(response)}); }
};

}  // namespace moldau::coordinator
