#pragma once
// Producer ids: handed to brokers in blocks.

#include <moldau/controller/controller.h>

namespace moldau::controller {

Outcome<protocol::AllocateProducerIdsResponse> allocate_producer_ids(
    const metadata::Image& image, const protocol::AllocateProducerIdsRequest& request);

}  // namespace moldau::controller
