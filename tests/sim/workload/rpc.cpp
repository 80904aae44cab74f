#include "rpc.h"

#include <fmt/format.h>

#include <moldau/protocol/messages/request_header.h>
#include <moldau/protocol/messages/response_header.h>

#include "world/read_some.h"
#include "world/sim_stream.h"

namespace moldau::sim {

using runtime::Task;

Task<Result<std::shared_ptr<Rpc>>> Rpc::open(const runtime::World world, runtime::Endpoint broker,
                                             std::string client_id, runtime::TimePoint deadline) {
    runtime::Shard& shard = world.shard(0);
    auto stream = co_await world.transport.connect(shard, broker, deadline);
    if (!stream) co_return std::unexpected(std::move(stream).error());
    auto rpc = std::make_shared<Rpc>(shard, std::move(*stream), std::move(client_id));
    runtime::spawn(shard, write_all(rpc));
    runtime::spawn(shard, read_all(rpc));
    co_return rpc;
}

Rpc::Rpc(runtime::Shard& shard, std::unique_ptr<runtime::Stream> stream, std::string client_id)
    : shard_(shard),
      stream_(std::move(stream)),
      client_id_(std::move(client_id)),
      peer_life_(static_cast<SimStream&>(*stream_).peer_incarnation()),
      outbox_filled_(shard) {}

void Rpc::close(Errc code, std::string reason) {
    if (failure_) return;
    failure_ = Error{code, std::move(reason)};
    stream_->close();
    outbox_filled_.notify_all();
    for (const auto& pending : in_flight_) {
        pending->answer = std::unexpected(*failure_);
        pending->arrived.notify_all();
    }
    in_flight_.clear();
}

void Rpc::enqueue(std::int16_t api_key, std::int16_t version, Bytes body, std::shared_ptr<Pending> pending) {
    const std::int16_t header_version = protocol::request_header_version(api_key, version);
    protocol::Writer writer;
    const auto frame = writer.begin_frame();
    protocol::RequestHeader header;
    header.request_api_key = api_key;
    header.request_api_version = version;
    header.correlation_id = next_correlation_id_++;
    header.client_id = protocol::Text(client_id_);
    header.encode(writer, header_version);
    writer.bytes(body);
    writer.end_frame(frame);
    const Bytes bytes = writer.take();
    outbox_.insert(outbox_.end(), bytes.begin(), bytes.end());
    outbox_filled_.notify_all();
    if (pending == nullptr) return;
    pending->correlation_id = header.correlation_id;
    pending->api_key = api_key;
    pending->version = version;
    in_flight_.push_back(std::move(pending));
}

Task<Result<Bytes>> Rpc::exchange(std::int16_t api_key, std::int16_t version, Bytes body, runtime::TimePoint deadline) {
    const auto self = shared_from_this();
    if (failure_) co_return std::unexpected(*failure_);
    const auto pending = std::make_shared<Pending>(shard_);
    enqueue(api_key, version, std::move(body), pending);
    while (!pending->answer)
        if (!co_await pending->arrived.wait(deadline)) close(Errc::timed_out, "no answer in time");
    co_return std::move(*pending->answer);
}

Task<> Rpc::write_all(std::shared_ptr<Rpc> self) {
    while (!self->failure_) {
        if (self->outbox_.empty()) {
            co_await self->outbox_filled_.wait();
            continue;
        }
        const ByteView parts[] = {self->outbox_};
        const auto written = self->stream_->try_write(parts);
        if (!written) {
            self->close(written.error().code, written.error().message);
            co_return;
        }
        self->outbox_.erase(self->outbox_.begin(), self->outbox_.begin() + static_cast<std::ptrdiff_t>(*written));
        if (self->outbox_.empty()) continue;
        const auto writable = co_await self->stream_->wait_writable();
        if (!writable) self->close(writable.error().code, writable.error().message);
    }
}

Task<> Rpc::read_all(std::shared_ptr<Rpc> self) {
    Bytes received;
    Bytes into(16 * 1024);
    while (!self->failure_) {
        const auto read = co_await read_some(*self->stream_, into);
        if (!read || *read == 0) {
            self->close(read ? Errc::closed : read.error().code, read ? "closed by the broker" : read.error().message);
            co_return;
        }
        received.insert(received.end(), into.begin(), into.begin() + static_cast<std::ptrdiff_t>(*read));
        while (received.size() >= 4) {
            const auto size = load_big_endian<std::uint32_t>(received.data());
            if (received.size() < 4 + std::size_t{size}) break;
            self->answered(ByteView(received).subspan(4, size));
            received.erase(received.begin(), received.begin() + 4 + static_cast<std::ptrdiff_t>(size));
        }
    }
}

void Rpc::answered(ByteView frame) {
    if (failure_) return;
    const auto fail_with = [this](std::string what) {
        on_broken_(what);
        close(Errc::corrupt, std::move(what));
    };
    if (in_flight_.empty()) return fail_with("an answer to nothing");
    const auto pending = in_flight_.front();
    const auto header_version = protocol::response_header_version(pending->api_key, pending->version);
    protocol::Reader reader(frame);
    const auto header = protocol::ResponseHeader::decode(reader, header_version);
    if (!reader.ok()) return fail_with("an answer without a header");
    if (header.correlation_id != pending->correlation_id)
        return fail_with(fmt::format("answer {} where {} is due", header.correlation_id, pending->correlation_id));
    in_flight_.pop_front();
    const ByteView body = frame.subspan(reader.position());
    pending->answer = Bytes(body.begin(), body.end());
    pending->arrived.notify_all();
}

}  // namespace moldau::sim
