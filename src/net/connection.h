#pragma once
// A connection of the server: obeys its ConnectionCore by two coroutines, one that reads and begins requests, one that
// writes. Lives on one shard, as long as a coroutine or an unanswered request needs it. Idle it holds no buffers.

#include <functional>
#include <memory>

#include <moldau/runtime/transport.h>

#include "connection_core.h"
#include "shard_connections.h"

namespace moldau::net {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
    /// Starts to serve `stream`. `on_end` is called when the connection is gone.
    static void start(std::shared_ptr<ShardConnections> shared, std::unique_ptr<runtime::Stream> stream, Peer peer,
                      std::move_only_function<void()> on_end);

    Connection(std::shared_ptr<ShardConnections> shared, std::unique_ptr<runtime::Stream> stream, Peer peer,
               runtime::Gate::Hold hold, std::move_only_function<void()> on_end);
    ~Connection();

    /// Reads no more; closes when what was read is answered.
    void drain();
    void close(std::string_view reason);
    /// The shard's budget has changed.
    void on_budget_change();
    bool waits_for_budget() const { return reader_paused_ && core_.waits_for_budget(); }

 private:
    enum class Sent { some, nothing_fits, first_slice_is_cold };

    /// Bytes of the first slice of the output that had to be waited for.
    struct ColdBytes {
        Bytes bytes;
        std::size_t sent = 0;
        ByteView rest() const { return ByteView(bytes).subspan(sent); }
    };

    /// In which enough of the frame that is arriving must come, should others wait for budget at its end.
    struct FrameWindow {
        ConnectionCore::Arriving at_begin;
        runtime::TimePoint end = runtime::never;
    };

    // Their argument keeps this alive.
    runtime::Task<void> read_loop(std::shared_ptr<Connection> self);
    runtime::Task<void> write_loop(std::shared_ptr<Connection> self);

    void begin_requests();
    void on_answer(std::uint64_t sequence, Response answer);
    void wake_reader();
    /// Tells who serves, once, that the input has ended.
    void tell_input_end();

    Result<Sent> send_output();
    Result<Sent> send_gathered();
    Result<Sent> send_from_file(const FileSlice& slice);
    bool wants_send_file(const FileSlice& slice) const;
    Result<Sent> sent(std::size_t bytes);

    /// Begins a window where a frame has begun, or enough of it has come.
    void watch_frame();
    /// Why it is to be closed now; empty when nothing is overdue.
    std::string_view overdue() const;
    runtime::TimePoint deadline() const;
    void arm_timer();
    void on_timer();

    std::shared_ptr<ShardConnections> shared_;
    std::unique_ptr<runtime::Stream> stream_;
    Peer peer_;
    ConnectionCore core_;
    runtime::Gate::Hold hold_;
    std::move_only_function<void()> on_end_;

    runtime::Signal reader_wake_;
    runtime::Signal writer_wake_;
    bool reader_paused_ = false;  // waits for the core to want bytes again
    bool beginning_ = false;      // begin_requests() is on the stack
    bool begins_later_ = false;   // begin_requests() is posted
    bool closed_ = false;
    bool can_send_file_;
    ColdBytes cold_;

    runtime::TimePoint last_read_;   // or when reading was resumed
    runtime::TimePoint last_write_;  // or when there began to be something to write
    FrameWindow window_;
    runtime::TimerQueue::Id timer_;  // fires at or before deadline(), unless that is never
};

}  // namespace moldau::net
