#include "call.h"

#include <moldau/base/assert.h>
#include <moldau/protocol/api_table.h>

namespace moldau::api {

protocol::Writer::Frame begin_response(protocol::Writer& writer, const net::Request& request) {
    const auto frame = writer.begin_frame();
    writer.integer(request.correlation_id);
    if (protocol::response_header_version(request.api_key, request.api_version) >= 1) writer.uvarint(0);  // no tags
    return frame;
}

net::Response end_response(protocol::Writer& writer, protocol::Writer::Frame frame, const net::Request& request,
                           std::vector<net::FileSlice> slices) {
    writer.end_frame(frame);
    if (writer.is_too_large()) {
        return closing(fmt::format("the answer to its {} v{} would have {} bytes, which no frame can hold",
                                   protocol::find_api(request.api_key)->name, request.api_version,
                                   writer.total_size_bytes()));
    }
    const std::vector<protocol::Writer::Splice> splices = writer.splices();
    net::Response response;
    if (splices.empty()) {
        response.pieces.emplace_back(writer.take());
        return response;
    }
    const ByteView bytes = writer.view();
    std::size_t written = 0;
    for (const auto& splice : splices) {
        MOLDAU_ASSERT(splice.id < slices.size() && splice.size_bytes == slices[splice.id].size);
        response.pieces.emplace_back(Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(written),
                                           bytes.begin() + static_cast<std::ptrdiff_t>(splice.position)));
        response.pieces.emplace_back(std::move(slices[splice.id]));
        written = splice.position;
    }
    if (written < bytes.size())
        response.pieces.emplace_back(Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(written), bytes.end()));
    return response;
}

}  // namespace moldau::api
