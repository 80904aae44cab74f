#include "logging.h"

#include <cstdio>
#include <memory>
#include <string>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <moldau/base/log.h>

namespace moldau::app {

void set_up_logging(bool verbose) {
    auto logger = std::make_shared<spdlog::logger>("moldau", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %-7l %v");
    logger->set_level(spdlog::level::debug);
    log::set_sink(
        [logger](log::Level level, std::string_view line) {
            constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info,
                                                            spdlog::level::warn, spdlog::level::err};
            logger->log(levels[static_cast<int>(level)], spdlog::string_view_t(line.data(), line.size()));
        },
        verbose ? log::Level::debug : log::Level::info);
}

void tell(std::string_view line) {
    const std::string whole = std::string(line) + '\n';  // one write
    (void)std::fwrite(whole.data(), 1, whole.size(), stderr);
}

}  // namespace moldau::app
