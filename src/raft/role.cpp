#include "role.h"

#include <moldau/base/assert.h>

namespace moldau::raft {
namespace {

// Every request has its answer at the same place in the two variants.
template <std::size_t... I>
Response refusal(const Request& request, std::index_sequence<I...>) {
    Response response;
    const auto refuse = [&]<class T>(T answer) {
        answer.error_code = protocol::ErrorCode::unsupported_version;
        response = std::move(answer);
    };
    ((request.index() == I ? refuse(std::variant_alternative_t<I, Response>()) : void()), ...);
    return response;
}

}  // namespace

RolePtr Role::step(Context& context, const Message& message, Now) {
    const auto* request = std::get_if<Request>(&message.body);
    MOLDAU_ASSERT(request != nullptr);  // an only voter asks nobody
    context.send({.peer = message.peer,
                  .correlation = message.correlation,
                  .body = refusal(*request, std::make_index_sequence<std::variant_size_v<Request>>())});
    return nullptr;
}

}  // namespace moldau::raft
