#pragma once
// A broker of a few screens, on one node and one shard, that the simulator tests itself with: it keeps every promise of
// the model, and each planted bug breaks one. Not a model of the real broker's design.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "scenario.h"

namespace moldau::sim {

enum class Bug {
    none,
    ack_before_sync,         ///< acks=all answered when written
    no_directory_sync,       ///< a new partition's file may vanish
    torn_tail_kept,          ///< recovery does not look at checksums
    duplicate_appended,      ///< a retry is written again
    duplicate_early,         ///< a retry is answered before the original is durable
    watermark_from_log_end,  ///< consumers see what is not durable
    synced_too_much,         ///< a sync is taken to cover what was written while it ran
};

std::vector<std::pair<std::string_view, Bug>> all_bugs();

BrokerProgram stand_in_program(Bug bug);

}  // namespace moldau::sim
