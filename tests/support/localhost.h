#pragma once
// A system that was bootstrapped by hand may have no /etc/hosts.

#include <netdb.h>

namespace moldau {

inline bool knows_localhost() {
    addrinfo* found = nullptr;
    const bool known = ::getaddrinfo("localhost", nullptr, nullptr, &found) == 0;
    if (known) ::freeaddrinfo(found);
    return known;
}

}  // namespace moldau
