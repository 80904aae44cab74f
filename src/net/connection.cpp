#include "connection.h"

#include <algorithm>
#include <array>

#include <moldau/base/log.h>
#include <moldau/runtime/disk.h>

namespace moldau::net {

using runtime::never;
using runtime::Task;
using runtime::TimePoint;

namespace {

constexpr std::size_t read_scratch_bytes = 64 * 1024;
/// A slice of a file is sent in pieces of at most this size.
constexpr std::size_t file_piece_bytes = 128 * 1024;
constexpr std::size_t max_answer_parts = 64;
/// After so many reads, or writes, without a wait other connections have their turn.
constexpr unsigned reads_a_turn = 16;
constexpr unsigned sends_a_turn = 8;
/// After so many requests begun at once, or once they took so long.
constexpr unsigned requests_a_turn = 32;
constexpr runtime::Duration longest_turn = std::chrono::milliseconds(2);
/// In which a frame must have arrived while others wait for what it holds, however large it is.
constexpr std::size_t windows_a_frame = 30;

ConnectionLimits limits_of(const ServerOptions& options) {
    return {.max_request_bytes = options.max_request_bytes,
            .max_requests_ahead = options.max_requests_ahead,
            .max_output_bytes = options.max_output_bytes};
}

Result<Bytes> read_piece(const runtime::File& file, std::uint64_t position, std::size_t size) {
    Bytes bytes(size);
    MOLDAU_TRY(count, file.read_at(bytes, position));
    bytes.resize(count);
    return bytes;
}

std::unexpected<Error> file_is_short(const FileSlice& slice) {
    return fail(Errc::corrupt,
                fmt::format("a file ends at byte {}, but {} more were promised", slice.position, slice.size));
}

}  // namespace

ShardConnections::ShardConnections(runtime::Shard& on_shard, runtime::Disk& on_disk, Service& by_service,
                                   const ServerOptions& with, std::size_t budget_bytes)
    : shard(on_shard),
      disk(on_disk),
      service(by_service),
      options(with),
      limits(limits_of(with)),
      budget(budget_bytes),
      gate(on_shard),
      read_scratch(read_scratch_bytes),
      write_scratch(file_piece_bytes) {
    budget.on_change([this] {
        for (const auto& [id, connection] : open) connection->on_budget_change();
    });
}

bool ShardConnections::is_budget_wanted() const {
    return std::ranges::any_of(open, [](const auto& each) { return each.second->waits_for_budget(); });
}

void Connection::start(std::shared_ptr<ShardConnections> shared, std::unique_ptr<runtime::Stream> stream, Peer peer,
                       std::move_only_function<void()> on_end) {
    auto hold = shared->gate.enter();
    if (!hold) return on_end();  // the server stops
    auto& shard = shared->shard;
    const auto self = std::make_shared<Connection>(std::move(shared), std::move(stream), std::move(peer),
                                                   std::move(hold), std::move(on_end));
    runtime::spawn(shard, self->read_loop(self));
    runtime::spawn(shard, self->write_loop(self));
}

Connection::Connection(std::shared_ptr<ShardConnections> shared, std::unique_ptr<runtime::Stream> stream, Peer peer,
                       runtime::Gate::Hold hold, std::move_only_function<void()> on_end)
    : shared_(std::move(shared)),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      core_(shared_->limits, shared_->budget, shared_->service),
      hold_(std::move(hold)),
      on_end_(std::move(on_end)),
      reader_wake_(shared_->shard),
      writer_wake_(shared_->shard),
      can_send_file_(shared_->options.min_send_file_bytes > 0),
      last_read_(shared_->shard.now()),
      last_write_(last_read_) {
    shared_->open.emplace(peer_.id, this);
    log::debug("connection {} of {}:{} on {} begins", peer_.id, peer_.address.host, peer_.address.port, peer_.listener);
}

Connection::~Connection() {
    close("its shard ends");
    on_end_();
}

void Connection::close(std::string_view reason) {
    if (closed_) return;
    closed_ = true;
    std::string line =
        fmt::format("connection {} of {}:{} on {} is closed: {}", peer_.id, peer_.address.host, peer_.address.port,
                    peer_.listener, core_.was_refused() ? core_.end_reason() : reason);
    if (!core_.was_refused()) {
        log::debug("{}", line);
    } else if (const auto admitted = shared_->refusals.admit(shared_->shard.now(), std::move(line))) {
        log::info("{}", *admitted);
    }
    shared_->open.erase(peer_.id);
    shared_->shard.timers().cancel(timer_);
    core_.end_input(reason);
    tell_input_end();
    stream_->close();
    reader_wake_.notify_all();
    writer_wake_.notify_all();
}

void Connection::drain() {
    core_.end_input("the server stops");
    tell_input_end();
    reader_wake_.notify_all();
    writer_wake_.notify_all();
}

Task<void> Connection::read_loop(std::shared_ptr<Connection> /*self*/) {
    runtime::Shard& shard = shared_->shard;
    bool may_have_more = false;
    unsigned reads = 0;
    while (core_.input_is_open()) {
        if (!core_.wants_read()) {
            reader_paused_ = true;
            co_await reader_wake_.wait();
            reader_paused_ = false;
            last_read_ = shard.now();
            window_ = {};  // what we did not read is not the peer's fault
            continue;
        }
        if (!may_have_more) {
            watch_frame();
            arm_timer();
            const Result<> readable = co_await stream_->wait_readable();
            if (!readable) close(readable.error().message);
            may_have_more = true;
            reads = 0;
            continue;
        }
        const MutableBytes target = core_.read_target(shared_->read_scratch.bytes());
        const Result<std::size_t> count = stream_->try_read_some(target);
        if (!count) {
            if (count.error().code != Errc::would_block) close(count.error().message);
            may_have_more = false;
            continue;
        }
        if (*count == 0) {
            core_.end_input("the peer ended it");
            break;
        }
        may_have_more = *count == target.size();
        last_read_ = shard.now();
        core_.on_read(target.first(*count));
        begin_requests();
        if (++reads % reads_a_turn == 0) co_await runtime::yield(shard);
    }
    tell_input_end();
    writer_wake_.notify_all();  // it closes when all is answered
}

void Connection::tell_input_end() {
    if (std::exchange(peer_.input_has_ended, true)) return;
    if (peer_.on_input_end) std::exchange(peer_.on_input_end, {})();
}

void Connection::begin_requests() {
    if (beginning_ || begins_later_) return;
    beginning_ = true;
    const TimePoint begin = shared_->shard.now();
    for (unsigned begun = 0; !closed_; ++begun) {
        if (begun == requests_a_turn || (begun > 0 && shared_->shard.now() - begin > longest_turn)) {
            begins_later_ = true;
            shared_->shard.post([self = shared_from_this()] {
                self->begins_later_ = false;
                self->begin_requests();
                self->wake_reader();
            });
            break;
        }
        auto next = core_.next_request();
        if (!next) break;
        next->request.peer = &peer_;
        shared_->service.serve(std::move(next->request),
                               [self = shared_from_this(), sequence = next->sequence](Response answer) {
                                   self->on_answer(sequence, std::move(answer));
                               });
    }
    beginning_ = false;
}

void Connection::on_answer(std::uint64_t sequence, Response answer) {
    if (closed_) return;
    if (!core_.has_output()) last_write_ = shared_->shard.now();
    core_.on_answer(sequence, std::move(answer));
    begin_requests();
    if (core_.has_output() || !core_.input_is_open()) writer_wake_.notify_all();
    wake_reader();
}

void Connection::wake_reader() {
    if (reader_paused_ && (core_.wants_read() || !core_.input_is_open())) reader_wake_.notify_all();
}

void Connection::on_budget_change() {
    wake_reader();
}

Task<void> Connection::write_loop(std::shared_ptr<Connection> /*self*/) {
    unsigned sends = 0;
    while (!closed_ && !core_.is_finished()) {
        if (!core_.has_output()) {
            arm_timer();
            co_await writer_wake_.wait();
            continue;
        }
        const Result<Sent> outcome = send_output();
        if (!outcome) {
            close(outcome.error().message);
        } else if (*outcome == Sent::nothing_fits) {
            arm_timer();
            const Result<> writable = co_await stream_->wait_writable();
            if (!writable) close(writable.error().message);
        } else if (*outcome == Sent::first_slice_is_cold) {
            const FileSlice slice = std::get<FileSlice>(core_.output(0));
            const std::size_t size = std::min<std::size_t>(slice.size, file_piece_bytes);
            Result<Bytes> bytes = co_await runtime::run_blocking(
                shared_->disk, shared_->shard, [slice, size] { return read_piece(*slice.file, slice.position, size); });
            if (bytes && bytes->empty()) bytes = file_is_short(slice);
            if (!bytes)
                close(bytes.error().message);
            else
                cold_ = {std::move(*bytes)};
        } else {
            begin_requests();
            wake_reader();
            if (++sends % sends_a_turn == 0) co_await runtime::yield(shared_->shard);
        }
    }
    close(core_.end_reason());
}

Result<Connection::Sent> Connection::sent(std::size_t bytes) {
    if (bytes == 0) return Sent::nothing_fits;
    last_write_ = shared_->shard.now();
    core_.on_written(bytes);
    return Sent::some;
}

bool Connection::wants_send_file(const FileSlice& slice) const {
    return can_send_file_ && slice.size >= shared_->options.min_send_file_bytes && cold_.bytes.empty();
}

Result<Connection::Sent> Connection::send_output() {
    if (const auto* slice = std::get_if<FileSlice>(&core_.output(0)); slice != nullptr && wants_send_file(*slice)) {
        auto outcome = send_from_file(*slice);
        if (outcome || outcome.error().code != Errc::unsupported) return outcome;
        can_send_file_ = false;
    }
    return send_gathered();
}

Result<Connection::Sent> Connection::send_from_file(const FileSlice& slice) {
    // Sending would wait for the device: ask at both ends of the piece whether it is at hand.
    const std::size_t size = std::min<std::size_t>(slice.size, file_piece_bytes);
    for (const std::uint64_t position : {slice.position, slice.position + size - 1}) {
        std::uint8_t byte = 0;
        const auto count = slice.file->try_read_at({&byte, 1}, position);
        if (!count && count.error().code == Errc::would_block) return Sent::first_slice_is_cold;
        if (!count) return std::unexpected(count.error());
        if (*count == 0) return file_is_short(slice);
    }
    MOLDAU_TRY(count, stream_->try_send_file(*slice.file, slice.position, size));
    return sent(count);
}

Result<Connection::Sent> Connection::send_gathered() {
    std::array<ByteView, max_answer_parts> parts;
    std::size_t count = 0;
    MutableBytes scratch = shared_->write_scratch.bytes();
    for (std::size_t i = 0; i < core_.output_pieces() && count < parts.size(); ++i) {
        if (const auto* bytes = std::get_if<Bytes>(&core_.output(i))) {
            parts[count++] = i == 0 ? core_.first_output_bytes() : ByteView(*bytes);
            continue;
        }
        const auto& slice = std::get<FileSlice>(core_.output(i));
        if (i > 0 && wants_send_file(slice)) break;
        if (i == 0 && !cold_.rest().empty()) {
            parts[count++] = cold_.rest();
            if (cold_.rest().size() < slice.size) break;
            continue;
        }
        const MutableBytes into = scratch.first(std::min<std::size_t>(scratch.size(), slice.size));
        if (into.empty()) break;
        const Result<std::size_t> read = slice.file->try_read_at(into, slice.position);
        if (!read && read.error().code == Errc::would_block) {
            if (count == 0) return Sent::first_slice_is_cold;
            break;
        }
        if (!read) return std::unexpected(read.error());
        if (*read == 0) return file_is_short(slice);
        parts[count++] = into.first(*read);
        scratch = scratch.subspan(*read);
        if (*read < slice.size) break;
    }
    MOLDAU_TRY(written, stream_->try_write(std::span(parts).first(count)));
    cold_.sent += std::min(written, cold_.rest().size());
    if (cold_.rest().empty()) cold_ = {};
    return sent(written);
}

void Connection::watch_frame() {
    const ConnectionCore::Arriving now = core_.arriving();
    const ServerOptions& options = shared_->options;
    const std::size_t least = std::max(options.min_frame_progress_bytes, now.of / windows_a_frame);
    if (now.frame == window_.at_begin.frame && now.bytes - window_.at_begin.bytes < least) return;
    window_ = {now, now.frame == 0 ? never : runtime::after(shared_->shard.now(), options.slow_frame_window)};
}

TimePoint Connection::deadline() const {
    const ServerOptions& options = shared_->options;
    const bool reads = !reader_paused_ && core_.input_is_open();
    TimePoint next = never;
    if (core_.has_output()) next = runtime::after(last_write_, options.max_idle);
    if (reads && core_.is_inside_frame())
        return std::min({next, runtime::after(last_read_, options.max_frame_pause), window_.end});
    if (!reads || core_.has_output() || core_.has_requests_in_flight()) return next;
    return runtime::after(std::max(last_read_, last_write_), options.max_idle);
}

std::string_view Connection::overdue() const {
    const ServerOptions& options = shared_->options;
    const TimePoint now = shared_->shard.now();
    if (core_.has_output() && now >= runtime::after(last_write_, options.max_idle))
        return "the peer does not read its answers";
    if (!core_.is_inside_frame()) return "it was idle for connections.max.idle.ms";
    if (now >= runtime::after(last_read_, options.max_frame_pause)) return "a request has stopped arriving";
    if (core_.arriving().frame == window_.at_begin.frame && shared_->is_budget_wanted())
        return "a request arrives slowly, and others wait for the memory that it holds";
    return {};
}

void Connection::arm_timer() {
    const TimePoint next = deadline();
    if (closed_ || next >= timer_.deadline) return;
    runtime::TimerQueue& timers = shared_->shard.timers();
    timers.cancel(timer_);
    timer_ = timers.add(next, [this] { on_timer(); });
}

void Connection::on_timer() {
    timer_ = {};
    if (shared_->shard.now() >= deadline()) {
        if (const std::string_view reason = overdue(); !reason.empty()) return close(reason);
        // Nobody waits for what it holds: it has another window.
        window_ = {};
        watch_frame();
    }
    arm_timer();
}

}  // namespace moldau::net
