// `moldau broker` whose disk calls are recorded in the file that MOLDAU_TRACE names; the same command line.

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "broker_command.h"
#include "recording_disk.h"

int main(int argc, char** argv) {
    const char* trace = std::getenv("MOLDAU_TRACE");
    if (trace == nullptr || argc < 2 || std::string_view(argv[1]) != "broker") {
        std::fprintf(stderr, "usage: MOLDAU_TRACE=<file> %s broker [options of moldau broker]\n", argv[0]);
        return 2;
    }
    return moldau::app::broker_command(argc - 1, argv + 1, [trace] {
        return std::make_unique<moldau::durability::RecordingDisk>(moldau::app::make_posix_disk(), trace);
    });
}
