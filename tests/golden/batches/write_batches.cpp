// Writes batches of every codec, and what they hold, into a directory: for GoldenBatches.java to check.
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>

#include <moldau/protocol/batch_builder.h>

#include "golden/batches/describe.h"

namespace moldau::protocol::golden {
namespace {

void save(const std::filesystem::path& directory, const std::string& name, const Bytes& batch) {
    std::ofstream(directory / (name + ".bin"), std::ios::binary) << text_of(batch);
    std::ofstream text(directory / (name + ".txt"));
    for (const std::string& line : describe(batch)) text << line << '\n';
}

Bytes batch_of(const BatchOptions& options, int count, int repeats) {
    BatchBuilder builder(options);
    for (int i = 0; i < count; ++i) {
        const std::string key = fmt::format("key {}", i % 7);
        std::string value;
        for (int n = 0; n < repeats; ++n) value += fmt::format("value {} ", i * 7919 + n);
        const HeaderView headers[] = {{"trace", bytes_of(key)}, {"null", std::nullopt}};
        RecordToWrite record{.timestamp = Timestamp(1'700'000'000'000 + i * 3)};
        if (i % 3 != 0) record.key = bytes_of(key);
        if (i % 5 != 1) record.value = bytes_of(value);
        if (i % 2 == 0) record.headers = headers;
        builder.append(record);
    }
    Compressor compressor;
    return builder.finish(compressor);
}

void write_all(const std::filesystem::path& directory) {
    for (const Codec codec : {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
        const std::string name(to_string(codec));
        save(directory, name + "_one", batch_of({.codec = codec}, 1, 1));
        save(directory, name + "_small", batch_of({.base_offset = Offset(50), .codec = codec}, 20, 1));
        save(directory, name + "_large", batch_of({.base_offset = Offset(50), .codec = codec}, 200, 200));
        save(directory, name + "_append_time",
             batch_of({.codec = codec,
                       .producer_id = ProducerId(5),
                       .producer_epoch = ProducerEpoch(1),
                       .base_sequence = 2147483647,
                       .transactional = true,
                       .log_append_time = Timestamp(1'700'000'100'000)},
                      20, 1));
    }
    for (const int level : {1, 9, 12, 17}) {
        for (const Codec codec : {Codec::gzip, Codec::lz4, Codec::zstd})
            save(directory, fmt::format("{}_level_{}", to_string(codec), level),
                 batch_of({.codec = codec, .level = level}, 200, 50));
    }
    save(directory, "delete_horizon", batch_of({.delete_horizon = Timestamp(1'700'000'900'000)}, 3, 1));
    save(directory, "empty",
         empty_batch({.base_offset = Offset(3), .producer_id = ProducerId(5), .base_sequence = 7}, Offset(9),
                     Timestamp(1'700'000'000'000)));
    save(directory, "marker",
         end_transaction_batch({.base_offset = Offset(3), .producer_id = ProducerId(5)}, {.commit = true},
                               Timestamp(1'700'000'000'000)));
}

}  // namespace
}  // namespace moldau::protocol::golden

int main(int argc, char** argv) {
    if (argc != 2) {
        fmt::print(stderr, "usage: write_batches <directory>\n");
        return 2;
    }
    moldau::protocol::golden::write_all(argv[1]);
    return 0;
}
