#include "net_connector.h"

#include <moldau/net/client.h>

namespace moldau::cli {

using runtime::Task;

namespace {

class NetConnection final : public Connection {
 public:
    explicit NetConnection(std::unique_ptr<net::Client> client) : client_(std::move(client)) {}

    Task<Result<net::Answer>> call(Call call) override {
        if (call.answered) co_return co_await client_->call(call.api_key, call.api_version, call.body, call.deadline);
        Result<> sent = co_await client_->send(call.api_key, call.api_version, call.body, call.deadline);
        if (!sent) co_return std::unexpected(std::move(sent).error());
        co_return net::Answer{};
    }
    void close() override { client_->close(); }

 private:
    std::unique_ptr<net::Client> client_;
};

}  // namespace

Task<Result<std::shared_ptr<Connection>>> NetConnector::connect(runtime::Endpoint endpoint,
                                                                runtime::TimePoint deadline) {
    auto client = co_await net::Client::connect(transport_, shard_, std::move(endpoint), {}, deadline);
    if (!client) co_return std::unexpected(std::move(client).error());
    co_return std::make_shared<NetConnection>(std::move(*client));
}

}  // namespace moldau::cli
