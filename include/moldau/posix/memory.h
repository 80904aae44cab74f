#pragma once
// How the process keeps memory.

namespace moldau::posix {

/// From now on what one large request took goes back to the system. The C library would raise its thresholds to what
/// was freed last, and from a request of 30 MiB on keep twice as much for each thread.
void give_memory_back();

}  // namespace moldau::posix
