#pragma once
// `moldau broker`: its command line, and a broker until it is told to stop.

#include <functional>
#include <memory>

#include <moldau/runtime/disk.h>

namespace moldau::app {

/// Makes the disk that a broker lives on. Tests give one that notes what is asked of it.
using MakeDisk = std::function<std::unique_ptr<runtime::Disk>()>;

std::unique_ptr<runtime::Disk> make_posix_disk();

/// `argv[0]` is the word `broker`. Returns the process's exit status.
int broker_command(int argc, char** argv, const MakeDisk& make_disk = make_posix_disk);

}  // namespace moldau::app
