#pragma once
// The shipped broker in the simulated world: node, API and server wired as app wires them, with settings drawn from the
// seed that bring the limits near.

#include "scenario.h"

namespace moldau::sim {

/// Never the same as server.properties' defaults where those would be reached in no run.
metadata::Properties draw_settings(SimRandom& random);

std::shared_ptr<BrokerProcess> start_real_broker(const BrokerStart& start);

}  // namespace moldau::sim
