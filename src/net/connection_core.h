#pragma once
// A connection without its socket: bytes in; requests, bytes to send and the end of it out. Framing, order, work-ahead
// and limits are decided here. Pure. Owned by its Connection, on that connection's shard.
//
//   bytes → frame → ready → in flight → (answers, in order) → output
//
// Order: a request leaves `ready` when nothing is in flight, or when what is in flight is of its own kind and the
// service lets that kind overlap (a Produce behind a Produce). Answers enter the output in the order of requests.
//
// Memory: small requests that came by one read become requests some at a time, since a request takes several times its
// bytes. A frame whose request would have to wait, for as long as a Fetch polls, is not read before its turn, but for
// what came together with the bytes before it and for small ones while there is budget.
//
// End: by the peer's end, or by bytes that make no request, only the input ends: requests that were read before are
// served and answered. An answer that asks for it ends everything behind it.

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <moldau/net/service.h>

#include "fifo.h"

namespace moldau::net {

struct ConnectionLimits {
    std::size_t max_request_bytes = 100 * 1024 * 1024;  ///< socket.request.max.bytes
    std::size_t max_requests_ahead = 64;                ///< requests in flight at once
    std::size_t max_output_bytes = 64 * 1024;           ///< answers in memory; above it nothing is begun or read
};

class ConnectionCore {
 public:
    /// `service` is asked for may_overlap alone. Limits, budget and service must outlive this.
    ConnectionCore(const ConnectionLimits& limits, RequestBudget& budget, const Service& service);
    ConnectionCore(const ConnectionCore&) = delete;
    ConnectionCore& operator=(const ConnectionCore&) = delete;
    ~ConnectionCore();

    // Input.

    /// False for good once the input has ended.
    bool input_is_open() const { return !input_ended_; }
    /// Whether to read now; otherwise answers, writes or the budget must move first.
    bool wants_read() const;
    /// It would read, but for the budget.
    bool waits_for_budget() const;
    /// Where to read to: the rest of a large frame's own memory, or `scratch` (or a part of it). Requires:
    /// wants_read().
    MutableBytes read_target(MutableBytes scratch);
    /// `bytes`, of read_target(), have arrived. Not empty.
    void on_read(ByteView bytes);
    /// The peer will send no more, or we do not want more.
    void end_input(std::string_view reason);
    /// A frame, or the size before it, has begun to arrive and is not whole.
    bool is_inside_frame() const { return prefix_filled_ > 0; }

    /// How far the frame has come that is arriving.
    struct Arriving {
        RequestBudget::Ticket frame = 0;  ///< zero: none, its size is not known yet, or answers must move first
        std::size_t bytes = 0;
        std::size_t of = 0;  ///< as announced
    };
    Arriving arriving() const { return {ticket_, arrived_, announced_}; }

    // Requests.

    struct Dispatch {
        std::uint64_t sequence;  ///< for on_answer
        Request request;         ///< without its peer
    };
    /// The next request that may begin.
    std::optional<Dispatch> next_request();
    void on_answer(std::uint64_t sequence, Response answer);
    bool has_requests_in_flight() const { return !in_flight_.empty(); }

    // Output.

    using Piece = std::variant<Bytes, FileSlice>;
    bool has_output() const { return !output_.empty(); }
    std::size_t output_pieces() const { return output_.size(); }
    const Piece& output(std::size_t index) const { return output_[index]; }
    /// Of the first piece, when it is Bytes: what is still to send.
    ByteView first_output_bytes() const;
    /// So many bytes of the output were sent.
    void on_written(std::size_t bytes);

    /// Everything is served and sent: close.
    bool is_finished() const;
    /// The input ended by what the peer sent, not by its own or our end: worth a line in the log.
    bool was_refused() const { return refused_; }
    /// Why the input ended; empty while it has not.
    const std::string& end_reason() const { return end_reason_; }

 private:
    struct InFlight {
        std::int16_t api_key;
        std::optional<Response> answer;
    };

    /// Requires: something is in flight.
    bool may_overlap(std::int16_t api_key) const;
    /// The frame that is arriving would wait for what is in flight, as far as is known of it.
    bool is_behind_barrier() const;
    bool has_room() const;
    bool budget_allows() const;
    void keep_in_line();
    void take_prefix(ByteView& bytes);
    void take_body(ByteView& bytes);
    void reserve_frame(std::size_t needed);
    void leave_frame();
    void complete_frame();
    /// Makes requests of the bytes, as many as may be ready at once; returns what is left of them.
    ByteView take(ByteView bytes);
    void take_rest();
    void leave_rest();
    void move_to_output(Response answer);
    void refuse(std::string_view reason);

    const ConnectionLimits& limits_;
    RequestBudget& budget_;
    const Service& service_;

    // The frame that is arriving.
    std::uint8_t prefix_[4] = {};    // its announced size
    std::size_t prefix_filled_ = 0;  // 4: the frame itself has begun
    std::size_t announced_ = 0;
    std::size_t arrived_ = 0;
    Buffer frame_;  // as large as the bytes that arrived need; the announced size when that is moderate
    RequestBudget::Charge charge_;
    RequestBudget::Ticket ticket_ = 0;  // not zero while its size is known and there is room to read on

    Fifo<Request> ready_;
    Buffer rest_;  // came with the requests that are ready, and follows them
    std::size_t rest_taken_ = 0;
    RequestBudget::Charge rest_charge_;
    Fifo<InFlight> in_flight_;
    std::uint64_t first_in_flight_ = 0;  // sequence of in_flight_'s first

    Fifo<Piece> output_;
    std::size_t first_piece_sent_ = 0;  // bytes of the first piece, when it is Bytes
    std::size_t output_bytes_ = 0;      // of Bytes pieces alone

    bool input_ended_ = false;
    bool refused_ = false;
    bool broken_ = false;   // no request is made of further bytes
    bool closing_ = false;  // an answer asked for it: nothing enters the output any more
    std::string end_reason_;
};

}  // namespace moldau::net
