// What the machine itself takes from one core to the other and back: the least that any broker could be late.

#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "common.h"

namespace moldau::bench {
namespace {

struct Socket {
    explicit Socket(int opened) : descriptor(opened) {
        if (descriptor < 0) fail(std::strerror(errno));
    }
    ~Socket() { ::close(descriptor); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    void send_at_once() const {
        const int yes = 1;
        ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
    /// False when the other end is gone.
    bool read_all(std::vector<char>& into) const {
        std::size_t have = 0;
        while (have < into.size()) {
            const ssize_t got = ::read(descriptor, into.data() + have, into.size() - have);
            if (got <= 0) return false;
            have += static_cast<std::size_t>(got);
        }
        return true;
    }
    void write_all(const std::vector<char>& bytes) const {
        if (::write(descriptor, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) fail("echo: write");
    }

    const int descriptor;
};

void move_to_core(std::int64_t core) {
    if (core < 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(core), &set);
    ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

}  // namespace

std::vector<double> echo_latencies_us(std::int64_t rate, std::int64_t count, std::size_t size_bytes,
                                      std::int64_t server_core) {
    const Socket listener(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener.descriptor, generic, length) != 0 || ::listen(listener.descriptor, 1) != 0 ||
        ::getsockname(listener.descriptor, generic, &length) != 0)
        fail(std::strerror(errno));
    std::vector<double> latencies_us;
    latencies_us.reserve(static_cast<std::size_t>(count));
    const std::jthread server([&] {
        move_to_core(server_core);
        const Socket peer(::accept(listener.descriptor, nullptr, nullptr));
        peer.send_at_once();
        for (std::vector<char> bytes(size_bytes); peer.read_all(bytes);) peer.write_all(bytes);
    });
    const Socket client(::socket(AF_INET, SOCK_STREAM, 0));
    if (::connect(client.descriptor, generic, length) != 0) fail(std::strerror(errno));
    client.send_at_once();
    const auto start = Clock::now();
    const auto due_at = [&](std::int64_t i) { return start + std::chrono::nanoseconds(i * 1'000'000'000 / rate); };
    std::jthread reader([&] {
        std::vector<char> bytes(size_bytes);
        for (std::int64_t i = 0; i < count; ++i) {
            if (!client.read_all(bytes)) fail("echo: read");
            latencies_us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - due_at(i)).count());
        }
    });
    const std::vector<char> bytes(size_bytes);
    for (std::int64_t i = 0; i < count; ++i) {
        while (Clock::now() < due_at(i)) std::this_thread::sleep_until(due_at(i));
        client.write_all(bytes);
    }
    reader.join();
    ::shutdown(client.descriptor, SHUT_RDWR);
    return latencies_us;
}

}  // namespace moldau::bench
