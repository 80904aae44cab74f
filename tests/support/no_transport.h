#pragma once
// For what must not use the network.

#include <moldau/runtime/transport.h>

namespace moldau::runtime {

class NoTransport final : public Transport {
 public:
    Result<std::unique_ptr<Listener>> listen(Shard&, const Endpoint&) override {
        return fail(Errc::unsupported, "there is no network");
    }
    void async_connect(Shard&, const Endpoint&, TimePoint, Handler<Result<std::unique_ptr<Stream>>> handler) override {
        std::move(handler)(fail(Errc::unsupported, "there is no network"));
    }
};

}  // namespace moldau::runtime
