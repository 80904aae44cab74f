#pragma once
// What of Kafka's ways to run a node there is here so far: asked when a directory is formatted and when a broker
// starts. Pure.

#include <string>

#include <moldau/base/result.h>
#include <moldau/metadata/properties.h>

namespace moldau::metadata {

struct Supported {
    std::string log_dir;
    bool is_static_quorum = false;  ///< controller.quorum.voters names the quorum, which is this node alone
};

/// Whether a node can run by these properties: its roles, guards, quorum, directory and listeners. An error names the
/// key, the value and what to do. Requires: normalised, with a node.id.
Result<Supported> check_supported(const Properties& properties);

}  // namespace moldau::metadata
