#include "connection_core.h"

#include <algorithm>

#include <moldau/base/assert.h>

#include "request_header.h"

namespace moldau::net {

namespace {
/// A frame up to this size gets its memory at once: untouched pages cost nothing. A larger one doubles as it arrives.
constexpr std::size_t moderate_frame_bytes = 1024 * 1024;
/// From so many missing bytes on, a frame is read into its own memory. Fewer come by the scratch buffer, together with
/// what is behind them.
constexpr std::size_t direct_read_bytes = 32 * 1024;
/// Read at once from a peer that is behind with reading its answers: small requests take more memory than their bytes.
constexpr std::size_t hesitant_read_bytes = 4 * 1024;
/// A small answer is copied behind the one before it up to this size: fewer pieces, and no room left over in each.
constexpr std::size_t joined_answer_bytes = 4 * 1024;

/// What a peer seems to speak whose first bytes make no size; empty when that is unknown.
std::string_view other_protocol(std::string_view first_bytes) {
    if (first_bytes.starts_with("\x16\x03"))
        return ": it begins a TLS handshake, but this listener speaks no TLS (see the client's security.protocol)";
    for (const std::string_view method : {"GET ", "HEAD", "POST", "PUT ", "DELE", "OPTI", "CONN", "PATC", "PRI "})
        if (first_bytes == method) return ": it speaks HTTP; this is a Kafka listener";
    return {};
}
}  // namespace

ConnectionCore::ConnectionCore(const ConnectionLimits& limits, RequestBudget& budget, const Service& service)
    : limits_(limits), budget_(budget), service_(service), charge_(budget), rest_charge_(budget) {}

ConnectionCore::~ConnectionCore() {
    budget_.end_frame(ticket_);
}

bool ConnectionCore::may_overlap(std::int16_t api_key) const {
    return in_flight_.back().api_key == api_key && service_.may_overlap(api_key);
}

bool ConnectionCore::is_behind_barrier() const {
    if (in_flight_.empty()) return false;
    const bool has_key = arrived_ >= sizeof(std::int16_t);
    return !may_overlap(has_key ? load_big_endian<std::int16_t>(frame_.data()) : in_flight_.back().api_key);
}

bool ConnectionCore::has_room() const {
    const bool may_come = !input_ended_ && ready_.empty() && in_flight_.size() < limits_.max_requests_ahead &&
                          output_bytes_ < limits_.max_output_bytes;
    if (!may_come || prefix_filled_ < sizeof prefix_ || !is_behind_barrier()) return may_come;
    return announced_ <= RequestBudget::small_frame_bytes && !budget_.is_spent();
}

bool ConnectionCore::budget_allows() const {
    // The size is always read: four bytes, which tell whether the frame may come.
    return prefix_filled_ < sizeof prefix_ || is_behind_barrier() || budget_.may_read(ticket_, announced_);
}

bool ConnectionCore::wants_read() const {
    return has_room() && budget_allows();
}

bool ConnectionCore::waits_for_budget() const {
    return has_room() && !budget_allows();
}

MutableBytes ConnectionCore::read_target(MutableBytes scratch) {
    const bool has_size = prefix_filled_ == sizeof prefix_;
    const std::size_t missing = has_size ? announced_ - arrived_ : sizeof prefix_ - prefix_filled_;
    if (has_size && missing >= direct_read_bytes) {
        reserve_frame(arrived_ + direct_read_bytes);
        return frame_.bytes().subspan(arrived_);
    }
    if (output_bytes_ >= limits_.max_output_bytes / 8)
        scratch = scratch.first(std::min(scratch.size(), hesitant_read_bytes));
    if (!budget_.is_spent()) return scratch;
    return scratch.first(std::min(scratch.size(), missing));  // nothing of the next frame
}

void ConnectionCore::on_read(ByteView bytes) {
    MOLDAU_ASSERT(!bytes.empty());
    if (arrived_ < frame_.size() && bytes.data() == frame_.data() + arrived_) {
        arrived_ += bytes.size();
        charge_.add(bytes.size());
        if (arrived_ == announced_) complete_frame();
        return keep_in_line();
    }
    rest_ = Buffer(take(bytes));
    rest_charge_.add(rest_.size());
    keep_in_line();
}

ByteView ConnectionCore::take(ByteView bytes) {
    while (!bytes.empty() && !broken_ && ready_.size() < limits_.max_requests_ahead)
        prefix_filled_ < sizeof prefix_ ? take_prefix(bytes) : take_body(bytes);
    return broken_ ? ByteView() : bytes;
}

void ConnectionCore::take_rest() {
    if (rest_.empty() || !ready_.empty()) return;
    rest_taken_ = rest_.size() - take(rest_.view().subspan(rest_taken_)).size();
    if (rest_taken_ == rest_.size()) leave_rest();
    if (rest_.empty() && input_ended_) leave_frame();  // of which no more will come
}

void ConnectionCore::leave_rest() {
    rest_ = Buffer();
    rest_taken_ = 0;
    rest_charge_ = RequestBudget::Charge(budget_);
}

// Who cannot read on for want of room is not waited for: the turn of the oldest frame goes to another. Nor is who would
// not be served once it is whole: the oldest may read on though the budget is spent because it gives back soon.
void ConnectionCore::keep_in_line() {
    const bool in_line = prefix_filled_ == sizeof prefix_ && has_room() && !is_behind_barrier();
    if (in_line == (ticket_ != 0)) return;
    if (in_line) {
        ticket_ = budget_.start_frame();
    } else {
        budget_.end_frame(std::exchange(ticket_, 0));
    }
}

void ConnectionCore::take_prefix(ByteView& bytes) {
    const std::size_t count = std::min(bytes.size(), sizeof prefix_ - prefix_filled_);
    std::memcpy(prefix_ + prefix_filled_, bytes.data(), count);
    prefix_filled_ += count;
    bytes = bytes.subspan(count);
    if (prefix_filled_ < sizeof prefix_) return;
    const auto size = load_big_endian<std::int32_t>(prefix_);
    if (size <= 0) return refuse(fmt::format("a request of {} bytes was announced", size));
    if (static_cast<std::size_t>(size) > limits_.max_request_bytes) {
        return refuse(fmt::format("a request of {} bytes was announced; socket.request.max.bytes is {}{}", size,
                                  limits_.max_request_bytes, other_protocol(text_of(prefix_))));
    }
    announced_ = static_cast<std::size_t>(size);
}

void ConnectionCore::take_body(ByteView& bytes) {
    const std::size_t count = std::min(bytes.size(), announced_ - arrived_);
    reserve_frame(arrived_ + count);
    std::memcpy(frame_.data() + arrived_, bytes.data(), count);
    arrived_ += count;
    charge_.add(count);
    bytes = bytes.subspan(count);
    if (arrived_ == announced_) complete_frame();
}

void ConnectionCore::reserve_frame(std::size_t needed) {
    if (needed <= frame_.size()) return;
    frame_.resize(std::min(announced_, std::max(moderate_frame_bytes, 2 * needed)));
}

void ConnectionCore::leave_frame() {
    frame_ = Buffer();
    charge_ = RequestBudget::Charge(budget_);
    prefix_filled_ = announced_ = arrived_ = 0;
    budget_.end_frame(std::exchange(ticket_, 0));
}

void ConnectionCore::complete_frame() {
    Request request;
    request.frame = std::move(frame_);
    request.budget = std::move(charge_);
    leave_frame();
    if (Result<> parsed = parse_request_header(request); !parsed) return refuse(parsed.error().message);
    ready_.push(std::move(request));
}

void ConnectionCore::end_input(std::string_view reason) {
    if (input_ended_) return;
    input_ended_ = true;
    end_reason_ = reason;
    leave_frame();
}

void ConnectionCore::refuse(std::string_view reason) {
    refused_ = refused_ || !input_ended_;
    broken_ = true;
    end_input(reason);
}

std::optional<ConnectionCore::Dispatch> ConnectionCore::next_request() {
    if (ready_.empty() || output_bytes_ >= limits_.max_output_bytes) return std::nullopt;
    const std::int16_t api_key = ready_.front().api_key;
    if (!in_flight_.empty() && (!may_overlap(api_key) || in_flight_.size() >= limits_.max_requests_ahead))
        return std::nullopt;
    const std::uint64_t sequence = first_in_flight_ + in_flight_.size();
    in_flight_.push({api_key, std::nullopt});
    Dispatch next{sequence, ready_.pop()};
    take_rest();
    keep_in_line();
    return next;
}

void ConnectionCore::on_answer(std::uint64_t sequence, Response answer) {
    const std::uint64_t index = sequence - first_in_flight_;
    MOLDAU_ASSERT(index < in_flight_.size() && !in_flight_[index].answer);
    in_flight_[index].answer = std::move(answer);
    while (!in_flight_.empty() && in_flight_.front().answer) {
        ++first_in_flight_;
        move_to_output(*in_flight_.pop().answer);
    }
    keep_in_line();
}

void ConnectionCore::move_to_output(Response answer) {
    if (closing_) return;
    for (Piece& piece : answer.pieces) {
        if (const auto* bytes = std::get_if<Bytes>(&piece)) {
            if (bytes->empty()) continue;
            output_bytes_ += bytes->size();
            Bytes* const last = output_.empty() ? nullptr : std::get_if<Bytes>(&output_.back());
            if (last != nullptr && last->size() + bytes->size() <= joined_answer_bytes) {
                last->insert(last->end(), bytes->begin(), bytes->end());
                continue;
            }
        } else if (std::get<FileSlice>(piece).size == 0) {
            continue;
        }
        output_.push(std::move(piece));
    }
    if (!answer.close) return;
    closing_ = true;
    ready_.clear();
    leave_rest();
    refuse(answer.close_reason);
}

ByteView ConnectionCore::first_output_bytes() const {
    return ByteView(std::get<Bytes>(output_[0])).subspan(first_piece_sent_);
}

void ConnectionCore::on_written(std::size_t bytes) {
    while (bytes > 0) {
        MOLDAU_ASSERT(!output_.empty());
        if (auto* slice = std::get_if<FileSlice>(&output_.front())) {
            const std::size_t count = std::min<std::size_t>(bytes, slice->size);
            slice->position += count;
            slice->size -= count;
            bytes -= count;
            if (slice->size == 0) output_.pop();
            continue;
        }
        const std::size_t count = std::min(bytes, first_output_bytes().size());
        first_piece_sent_ += count;
        bytes -= count;
        if (!first_output_bytes().empty()) continue;
        output_bytes_ -= std::exchange(first_piece_sent_, 0);
        output_.pop();
    }
    keep_in_line();
}

bool ConnectionCore::is_finished() const {
    if (!output_.empty()) return false;
    return closing_ || (input_ended_ && ready_.empty() && in_flight_.empty());
}

}  // namespace moldau::net
