#pragma once
// Asking for configurations and changing them: shared by the commands of topics and of configurations.

#include <string>
#include <vector>

#include "commands/commands.h"

namespace moldau::cli {

struct ConfigEntry {
    std::string name;
    std::optional<std::string> value;  ///< none: sensitive, or nothing is set and there is no default
    std::string source;                ///< "topic", "broker", "brokers", "startup" (file or --override), "default"
    bool read_only = false;
    bool is_default = false;
    bool is_sensitive = false;
};

/// Its value for people.
std::string shown(const ConfigEntry& config);

/// "topic 'orders'", "broker 1", "the defaults of all brokers".
std::string name_of(const ConfigEntity& entity);

/// Sorted by name. `keys` empty: all.
runtime::Task<Outcome<std::vector<ConfigEntry>>> fetch_configs(Session& session, ConfigEntity entity,
                                                               std::vector<std::string> keys);

struct UnknownKey {
    std::string name;
    std::optional<std::string> suggestion;  ///< one that there is
};

/// "; did you mean retention.ms?"; empty without a suggestion.
std::string suggested(const UnknownKey& key);

std::unexpected<Failure> no_such_key(const ConfigEntity& entity, const UnknownKey& key);

/// Those of `keys` that the entity does not have. Brokers take whatever there may be: a typing error would go
/// unnoticed.
runtime::Task<Outcome<std::vector<UnknownKey>>> find_unknown_keys(Session& session, ConfigEntity entity,
                                                                  std::vector<std::string> keys);

/// Keys to `remove` that there are not are ExitCode::not_found, and nothing is changed.
runtime::Task<Outcome<>> change_configs(Session& session, ConfigEntity entity, KeyValues add,
                                        std::vector<std::string> remove, bool dry_run);

}  // namespace moldau::cli
