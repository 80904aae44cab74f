#include <fmt/format.h>

#include "commands/storage.h"
#include "storage/log_directories.h"
#include "storage/node_properties.h"

namespace moldau::cli {

ExitCode storage_info(Environment& environment, const StorageInfo& asked) {
    const Outcome<NodeProperties> node = load_node_properties(environment, asked.config);
    if (!node) {
        environment.terminal().write_error(fmt::format("moldau: {}\n", node.error().message));
        return node.error().code;
    }
    const DirectoriesReport report = report_on(inspect(environment.disk(), node->log_dirs), node->node_id);
    (void)environment.terminal().write_output(bytes_of(report.text));  // run() tells of a failure
    return report.has_problems ? ExitCode::failed : ExitCode::ok;
}

}  // namespace moldau::cli
