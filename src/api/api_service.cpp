#include <moldau/api/api_service.h>
#include <moldau/protocol/api_table.h>
#include <moldau/protocol/messages/api_versions.h>
#include <moldau/protocol/messages/produce.h>

#include "call.h"
#include "handlers.h"
#include "registry.h"

namespace moldau::api {
namespace {

class ApiService final : public net::Service {
 public:
    explicit ApiService(Shell& shell) : shell_(shell) {}

    void serve(net::Request request, runtime::Handler<net::Response> done) override {
        const ServedApi* api = find_served(request.api_key);
        const bool controller = shell_.node.is_controller_listener(request.peer->listener);
        if (api == nullptr || !is_served_on(*api, controller)) return refuse(request, std::move(done), "is not served");
        if (request.api_version < api->min_version || request.api_version > api->max_version) {
            // A client that is newer than we are asks first with its own version: it is told ours, in version 0.
            if (request.api_key == protocol::ApiVersionsRequest::api_key)
                return std::move(done)(unsupported_api_versions(std::move(request)));
            return refuse(request, std::move(done), "is not served in this version");
        }
        api->serve(shell_, std::move(request), std::move(done));
    }

    bool may_overlap(std::int16_t api_key) const override { return api_key == protocol::ProduceRequest::api_key; }

 private:
    static void refuse(const net::Request& request, runtime::Handler<net::Response> done, std::string_view why) {
        const protocol::ApiInfo* api = protocol::find_api(request.api_key);
        std::move(done)(
            closing(fmt::format("{} v{} {} here", api == nullptr ? fmt::format("API {}", request.api_key) : api->name,
                                request.api_version, why)));
    }

    static net::Response unsupported_api_versions(net::Request request) {
        const ServedApi& api = *find_served(request.api_key);
        protocol::ApiVersionsResponse response;
        response.error_code = protocol::ErrorCode::unsupported_version;
        response.api_keys.push_back({api.key, api.min_version, api.max_version});
        request.api_version = 0;
        return encode_response(request, response);
    }

    Shell& shell_;
};

}  // namespace

ApiServices::ApiServices(node::Node& node, std::span<runtime::Shard* const> shards, Authorizer& authorizer) {
    const auto count = static_cast<unsigned>(shards.size());
    const metadata::BrokerConfig config = node.config(metadata::Image()).broker();
    const ApiLimits limits{config.fetch_max_bytes, config.max_request_partition_size_limit};
    const auto sessions = static_cast<std::size_t>(config.fetch_session_slots);
    shells_.reserve(count);
    for (runtime::Shard* shard : shards) {
        // Shared out, the rest to the first ones.
        const std::size_t share = sessions / count + (shard->index() < sessions % count ? 1 : 0);
        shells_.push_back(std::make_unique<Shell>(
            Shell{node, *shard, authorizer, limits, FetchSessions(share, *shard, count), {}, {}}));
    }
    for (const auto& shell : shells_) {
        shell->all = shells_;
        services_.push_back(std::make_unique<ApiService>(*shell));
    }
}

ApiServices::~ApiServices() = default;

net::Service& ApiServices::on_shard(unsigned index) {
    return *services_[index];
}

}  // namespace moldau::api
