#pragma once
// Executes plans; apart from the parser so that tests reach it with a Connector of their own.

#include "commands/commands.h"

namespace moldau::cli {

/// Opens a session and runs a command that talks to brokers. Requires: not a storage command. `plan`, `world` and
/// `connector` outlive the task.
CommandTask execute_online(const Plan& plan, OnlineWorld& world, Connector& connector);

}  // namespace moldau::cli
