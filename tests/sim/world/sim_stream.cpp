#include "sim_stream.h"

#include <fmt/format.h>

#include <moldau/base/assert.h>

namespace moldau::sim {

void SimStream::async_wait_readable(runtime::Handler<Result<>> handler) {
    MOLDAU_ASSERT(!own().reader);
    own().reader.emplace(std::move(handler));
    network_.schedule_read(connection_, side_);
}

Result<std::size_t> SimStream::try_read_some(MutableBytes into) {
    if (own().closed) return fail(Errc::closed, "the stream is closed");
    if (!own().readable.empty()) return network_.take_readable(connection_, side_, into);
    if (own().reset_seen) return fail(Errc::io, "connection reset by peer");
    if (own().end_seen) return 0;
    return fail(Errc::would_block, "nothing to read yet");
}

Result<std::size_t> SimStream::writable(std::size_t size) {
    if (own().closed) return fail(Errc::closed, "the stream is closed");
    if (own().reset_seen) return fail(Errc::io, "connection reset by peer");
    const TimePoint now = network_.simulation_.now();
    if (now < own().writes_block_until) return 0;
    if (network_.random_.chance(network_.options_.would_block_per_mille)) {
        own().writes_block_until =
            now + network_.random_.duration(std::chrono::microseconds(1), std::chrono::milliseconds(1));
        return 0;
    }
    size = std::min(size, network_.room(*connection_, 1 - side_));
    if (size > 1 && network_.random_.chance(network_.options_.partial_per_mille))
        size = network_.random_.between(1, size);
    return size;
}

Result<std::size_t> SimStream::try_write(std::span<const ByteView> parts) {
    std::size_t total = 0;
    for (const ByteView part : parts) total += part.size();
    MOLDAU_TRY(size, writable(total));
    Bytes bytes;
    bytes.reserve(size);
    for (ByteView part : parts) {
        part = part.first(std::min(part.size(), size - bytes.size()));
        bytes.insert(bytes.end(), part.begin(), part.end());
    }
    if (size > 0) network_.send(connection_, 1 - side_, std::move(bytes), Network::Mark::none);
    return size;
}

Result<std::size_t> SimStream::try_send_file(const runtime::File& file, std::uint64_t position, std::size_t size) {
    if (!connection_->sends_files) return fail(Errc::unsupported, "this connection cannot send files");
    MOLDAU_TRY(fits, writable(size));
    if (fits == 0) return 0;
    Bytes bytes(fits);
    MOLDAU_TRY(read, file.read_at(bytes, position));
    bytes.resize(read);
    if (read > 0) network_.send(connection_, 1 - side_, std::move(bytes), Network::Mark::none);
    return read;
}

void SimStream::async_wait_writable(runtime::Handler<Result<>> handler) {
    MOLDAU_ASSERT(!own().writer);
    own().writer.emplace(std::move(handler));
    network_.schedule_write(connection_, side_, own().writes_block_until);
}

void SimListener::async_accept(runtime::Shard& owner, Network::AcceptHandler handler) {
    MOLDAU_ASSERT(!waiting_);
    owner_ = static_cast<SimShard*>(&owner);
    waiting_.emplace(std::move(handler));
    schedule_accept();
}

void SimListener::offer(std::unique_ptr<SimStream> stream) {
    backlog_.push_back(std::move(stream));
    schedule_accept();
}

void SimListener::schedule_accept() {
    if (scheduled_ || !waiting_ || (backlog_.empty() && !closed_)) return;
    scheduled_ = true;
    shard_.complete(EventKind::network, [&network = network_, id = id_] {
        const auto listener = network.listeners_.find(id);
        if (listener != network.listeners_.end()) listener->second->complete_accept();
    });
}

void SimListener::complete_accept() {
    scheduled_ = false;
    if (!waiting_ || backlog_.empty()) return;
    Network::AcceptHandler handler = std::move(*waiting_);
    waiting_.reset();
    std::unique_ptr<SimStream> stream = std::move(backlog_.front());
    backlog_.pop_front();
    stream->set_owner(*owner_);
    std::move(handler)(std::unique_ptr<runtime::Stream>(std::move(stream)));
}

void SimListener::close() {
    if (closed_) return;
    closed_ = true;
    network_.listeners_.erase(id_);
    backlog_.clear();
    if (std::optional<Network::AcceptHandler> handler = abandon())
        shard_.complete(EventKind::network, [handler = std::move(*handler)]() mutable {
            std::move(handler)(fail(Errc::closed, "the listener is closed"));
        });
}

std::optional<Network::AcceptHandler> SimListener::abandon() {
    std::optional<Network::AcceptHandler> handler;
    if (waiting_) handler.emplace(std::move(*waiting_));
    waiting_.reset();
    return handler;
}

}  // namespace moldau::sim
