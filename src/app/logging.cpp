#include "logging.h"

#include <memory>
#include <mutex>
#include <string>
#include <unistd.h>

#include <fmt/format.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <moldau/base/log.h>
#include <moldau/posix/log_output.h>

namespace moldau::app {
namespace {

/// Lines that nobody reads are dropped, and counted where the next one can be written.
class StandardError final : public spdlog::sinks::base_sink<std::mutex> {
    void sink_it_(const spdlog::details::log_msg& message) override {
        if (dropped_ > 0 && posix::write_line(STDERR_FILENO, fmt::format("({} lines are missing here: standard error "
                                                                         "was not read)\n",
                                                                         dropped_)))
            dropped_ = 0;
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        if (!posix::write_line(STDERR_FILENO, {line.data(), line.size()})) ++dropped_;
    }
    void flush_() override {}

    std::size_t dropped_ = 0;
};

}  // namespace

void set_up_logging(bool verbose) {
    auto logger = std::make_shared<spdlog::logger>("moldau", std::make_shared<StandardError>());
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
    (void)posix::write_line(STDERR_FILENO, std::string(line) + '\n');
}

}  // namespace moldau::app
