#pragma once
// Finalised feature levels.

#include <moldau/controller/controller.h>

namespace moldau::controller {

/// Raises levels within what works here and on all registered nodes; never lowers one.
Outcome<protocol::UpdateFeaturesResponse> update_features(const metadata::Image& image,
                                                          const protocol::UpdateFeaturesRequest& request);

}  // namespace moldau::controller
