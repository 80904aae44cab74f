#include "broker.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>

#include <moldau/api/api_service.h>
#include <moldau/base/log.h>
#include <moldau/metadata/config_def.h>
#include <moldau/net/server.h>
#include <moldau/node/node.h>
#include <moldau/posix/limits.h>
#include <moldau/posix/memory.h>
#include <moldau/posix/shards.h>
#include <moldau/posix/signals.h>
#include <moldau/posix/transport.h>

#include "logging.h"

namespace moldau::app {
namespace {

using runtime::Task;

/// How long requests in flight may take to be answered once a stop was asked for.
constexpr runtime::Duration drain_time = std::chrono::seconds(5);

/// A broker's parts in the order in which they are made; torn down in reverse.
class Broker {
 public:
    Broker(BrokerOptions options, std::unique_ptr<runtime::Disk> disk)
        : options_(std::move(options)),
          shards_({.count = options_.shards}),
          disk_(std::move(disk)),
          transport_(options_.sockets),
          world_{*disk_, transport_, shards_.all()},
          node_(world_, options_.node),
          services_(node_, shards_.all(), authorizer_),
          server_(world_, services(), options_.server) {}

    int run();

 private:
    std::vector<net::Service*> services() {
        std::vector<net::Service*> all;
        all.reserve(shards_.size());
        for (unsigned i = 0; i < shards_.size(); ++i) all.push_back(&services_.on_shard(i));
        return all;
    }

    Task<void> live();
    Task<Result<>> start();
    void wait_for_signals();
    /// Another signal means it.
    void end_on_signals(runtime::TimePoint from);
    void end(int status);

    BrokerOptions options_;
    posix::Shards shards_;
    std::unique_ptr<runtime::Disk> disk_;
    posix::PosixTransport transport_;
    runtime::World world_;
    api::AllowAll authorizer_;
    node::Node node_;
    api::ApiServices services_;
    net::Server server_;

    const runtime::TimePoint began_ = shards_[0].now();
    boost::asio::io_context signals_{1};
    boost::asio::signal_set stop_signals_{signals_, SIGTERM, SIGINT};
    runtime::Signal stop_{shards_[0]};
    bool stopping_ = false;  // on the first shard
    std::atomic<int> status_ = 0;
};

int Broker::run() {
    shards_[0].post([this] { runtime::spawn(shards_[0], live()); });
    shards_.start();
    wait_for_signals();
    signals_.run();
    shards_.stop();
    shards_.join();
    return status_;
}

void Broker::wait_for_signals() {
    if (!posix::is_ignored(SIGHUP)) stop_signals_.add(SIGHUP);
    stop_signals_.async_wait([this](boost::system::error_code error, int number) {
        if (error) return;
        log::info("stopping on signal {}; another one ends at once", number);
        shards_[0].post([this] {
            stopping_ = true;
            stop_.notify_all();
        });
        end_on_signals(runtime::after(shards_[0].now(), posix::same_end_time));
    });
}

void Broker::end_on_signals(runtime::TimePoint from) {
    stop_signals_.async_wait([this, from](boost::system::error_code error, int number) {
        if (error) return;
        if (shards_[0].now() >= from) ::_exit(128 + number);
        end_on_signals(from);
    });
}

Task<void> Broker::live() {
    node_.on_failure([this](const Error& error) {
        log::error("the broker cannot go on: {}", error.message);
        status_ = 1;
        stopping_ = true;
        stop_.notify_all();
    });
    const Result<> started = co_await start();
    if (!started) {
        tell(fmt::format("moldau: {}", started.error().message));
        status_ = 1;
        stopping_ = true;
    }
    while (!stopping_) co_await stop_.wait();
    co_await node_.stop_coordinating();
    const bool drained = co_await server_.stop(runtime::after(shards_[0].now(), drain_time));
    if (!drained) log::warn("some connections were cut before their requests were answered");
    const bool clean = co_await node_.stop();
    if (started && clean) log::info("stopped");
    if (started && !clean) {
        log::warn("the stop was not clean: the next start checks the logs");
        status_ = 1;
    }
    signals_.stop();
}

Task<Result<>> Broker::start() {
    // Before anything that may fail: it may be why.
    for (const std::string& warning : options_.warnings) log::warn("{}", warning);
    for (const std::string& note : options_.notes) log::info("{}", note);
    if (auto started = co_await node_.start(); !started) co_return started;
    std::string where;
    for (const ListenerOptions& listener : options_.listeners.all) {
        const auto bound = server_.listen(listener.name, listener.bind);
        if (!bound) {
            const bool taken = bound.error().code == Errc::exists;
            co_return fail(bound.error().code,
                           bound.error().message + (taken ? "; 'listeners' names another port" : ""));
        }
        const bool is_ipv6 = bound->host.contains(':');
        where += fmt::format("{}{}://{}:{}", where.empty() ? "" : ", ", listener.name,
                             is_ipv6 ? fmt::format("[{}]", bound->host) : bound->host, bound->port);
    }
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(shards_[0].now() - began_);
    for (const auto& [key, value] : options_.node.file) {
        const metadata::ConfigDef* def = metadata::find_broker_config(key);
        log::debug("setting {}={}", key, def == nullptr || def->sensitive() ? "(hidden)" : value);
    }
    tell(fmt::format("moldau ready on {}; data in {}; node {} of cluster {}; {:.1f} ms", where, options_.node.log_dir,
                     options_.node.id, node_.cluster_id(), static_cast<double>(took.count()) / 1000));
    co_return Result<>{};
}

/// Half of them are for connections, three eighths for logs. The rest serves what is opened for a moment, and files
/// that are still sent from after the logs gave them back.
Result<> share_files(BrokerOptions& options) {
    constexpr std::size_t own = 64;  // of shards, listeners and the metadata log
    constexpr std::size_t least = 2 * own;
    constexpr std::size_t plenty = 10'000;
    const std::size_t all = posix::raise_file_limit();
    if (all < least)
        return fail(Errc::no_descriptors,
                    fmt::format("the system allows {} open files (ulimit -n); a broker needs at least {}", all, least));
    const std::size_t shared = all - own;
    options.node.max_open_files = shared / 8 * 3;
    options.server.max_connections = std::min(options.server.max_connections, shared / 2);
    if (all < plenty)
        options.warnings.push_back(fmt::format(
            "the system allows {} open files (ulimit -n): at most {} connections, and {} files of logs open at once",
            all, options.server.max_connections, options.node.max_open_files));
    return {};
}

}  // namespace

int run_broker(BrokerOptions options, std::unique_ptr<runtime::Disk> disk) {
    posix::give_memory_back();
    if (const Result<> shared = share_files(options); !shared) {
        log::error("the broker does not start: {}", shared.error().message);
        return 1;
    }
    return std::make_unique<Broker>(std::move(options), std::move(disk))->run();
}

}  // namespace moldau::app
