// The load of the benchmarks: one librdkafka program that makes topics, fills them, reads them back and verifies what
// it reads. Prints one line of JSON with what it did; status 1 and a reason on stderr when anything was not as it
// should be.
//
//   moldau_bench_load COMMAND --brokers ADDRESS --topic NAME [--name value …]
//
// create: --partitions N --config key=value. produce: --partitions N --size BYTES --count N --acks 1|all
// --idempotent true|false --linger MS --producers P (each sends the count) --keys K (random, in place of round robin).
// lone: each of the producers has one record in flight. fetch: --partitions N --count N. latency: --rate records/s
// --broker-core N.

#include <map>
#include <string_view>

#include "common.h"

int main(int count, char** words) {
    using namespace moldau::bench;
    const std::map<std::string_view, void (*)(const Options&)> commands = {{"create", create},   {"delete", remove},
                                                                           {"produce", produce}, {"lone", lone},
                                                                           {"fetch", fetch},     {"latency", latency}};
    const auto command = count > 1 ? commands.find(words[1]) : commands.end();
    if (command == commands.end())
        fail("usage: moldau_bench_load create|delete|produce|lone|fetch|latency [--name value …]");
    command->second(Options(count, words));
}
