#pragma once
// The ports that a node holds of the simulated network: a stream is one side of a connection.

#include "network.h"

namespace moldau::sim {

class SimStream final : public runtime::Stream {
 public:
    SimStream(Network& network, Network::ConnectionPtr connection, int side)
        : network_(network), connection_(std::move(connection)), side_(side) {}
    ~SimStream() override { close(); }

    void async_wait_readable(runtime::Handler<Result<>> handler) override;
    Result<std::size_t> try_read_some(MutableBytes into) override;
    Result<std::size_t> try_write(std::span<const ByteView> parts) override;
    void async_wait_writable(runtime::Handler<Result<>> handler) override;
    Result<std::size_t> try_send_file(const runtime::File& file, std::uint64_t position, std::size_t size) override;
    void close() override { network_.close(connection_, side_); }
    const runtime::Endpoint& peer() const override { return connection_->sides[1 - side_].local; }
    const runtime::Endpoint& local() const override { return connection_->sides[side_].local; }
    /// The life that holds the other side, which no real stream could tell.
    Incarnation peer_incarnation() const { return connection_->sides[1 - side_].incarnation; }

    /// Before its first operation: the shard that completes its waits.
    void set_owner(SimShard& owner) { own().shard = &owner; }

 private:
    Network::Side& own() const { return connection_->sides[side_]; }
    /// How many of `size` bytes may be written now.
    Result<std::size_t> writable(std::size_t size);

    Network& network_;
    Network::ConnectionPtr connection_;
    int side_;
};

class SimListener final : public runtime::Listener {
 public:
    SimListener(Network& network, std::uint64_t id, std::string host, SimShard& shard, runtime::Endpoint local)
        : network_(network), id_(id), host_(std::move(host)), shard_(shard), local_(std::move(local)) {
        network_.listeners_.emplace(id_, this);
    }
    ~SimListener() override { close(); }

    void async_accept(runtime::Shard& owner, Network::AcceptHandler handler) override;
    void close() override;
    const runtime::Endpoint& local() const override { return local_; }

 private:
    friend class Network;

    void offer(std::unique_ptr<SimStream> stream);
    void schedule_accept();
    void complete_accept();
    /// Its life is over: the waiting handler leaves.
    std::optional<Network::AcceptHandler> abandon();

    Network& network_;
    const std::uint64_t id_;
    const std::string host_;
    SimShard& shard_;
    const runtime::Endpoint local_;
    bool closed_ = false;
    bool scheduled_ = false;
    SimShard* owner_ = nullptr;  ///< of the stream that is waited for
    std::deque<std::unique_ptr<SimStream>> backlog_;
    std::optional<Network::AcceptHandler> waiting_;
};

}  // namespace moldau::sim
