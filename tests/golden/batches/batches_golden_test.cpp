// Batches that Apache Kafka's own classes wrote, and what its checks say of produced ones: GoldenBatches.java.
#include <sstream>

#include <gtest/gtest.h>

#include <moldau/protocol/batch_builder.h>
#include <moldau/protocol/batch_validator.h>

#include "golden/batches/describe.h"
#include "golden/batches/files.h"

namespace moldau::protocol::golden {
namespace {

std::vector<std::filesystem::path> batch_files() {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(MOLDAU_GOLDEN_BATCHES))
        if (entry.path().extension() == ".bin") files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
}

BatchOptions options_of(BatchView batch) {
    BatchOptions options{.base_offset = batch.base_offset(),
                         .leader_epoch = batch.partition_leader_epoch(),
                         .codec = *batch.codec(),
                         .producer_id = batch.producer_id(),
                         .producer_epoch = batch.producer_epoch(),
                         .base_sequence = batch.base_sequence(),
                         .transactional = batch.is_transactional(),
                         .control = batch.is_control(),
                         .delete_horizon = batch.delete_horizon()};
    if (batch.timestamp_type() == TimestampType::log_append_time) options.log_append_time = batch.max_timestamp();
    return options;
}

// Builds the batch again from what it holds.
Bytes built_again(BatchView batch, ByteView section) {
    if (batch.count() == 0) return empty_batch(options_of(batch), batch.last_offset(), batch.max_timestamp());
    BatchBuilder builder(options_of(batch));
    RecordIterator records(section, batch.count());
    for (RecordView record; records.next(record);) {
        std::vector<HeaderView> headers;
        HeaderIterator iterator = record.headers();
        for (HeaderView header; iterator.next(header);) headers.push_back(header);
        builder.append_at(batch.base_offset() + record.offset_delta,
                          {.timestamp = batch.base_timestamp() + record.timestamp_delta,
                           .key = record.key,
                           .value = record.value,
                           .headers = headers});
    }
    Compressor compressor;
    return builder.finish(compressor, batch.last_offset());
}

TEST(GoldenBatches, AreReadAsKafkaReadsThem) {
    ASSERT_GE(batch_files().size(), 20U);
    for (const auto& file : batch_files())
        EXPECT_EQ(describe(bytes_in(file)), lines_in(std::filesystem::path(file).replace_extension(".txt"))) << file;
}

TEST(GoldenBatches, AreBuiltByteForByteAsKafkaBuildsThem) {
    Decompressor decompressor;
    std::size_t uncompressed = 0;
    for (const auto& file : batch_files()) {
        const Bytes bytes = bytes_in(file);
        BatchIterator batches(bytes);
        for (BatchView batch; batches.next(batch);) {
            const auto section = decompressor.decompress(*batch.codec(), batch.records(), 1 << 24);
            ASSERT_TRUE(section) << section.error().message;
            const Bytes kept(section->begin(), section->end());
            const Bytes again = built_again(batch, kept);
            if (batch.codec() == Codec::none) {
                EXPECT_TRUE(std::ranges::equal(again, batch.bytes())) << file;
                ++uncompressed;
                continue;
            }
            // Compressors may differ; what they hold may not.
            const auto section_again = decompressor.decompress(*batch.codec(), BatchView(again).records(), 1 << 24);
            ASSERT_TRUE(section_again) << section_again.error().message;
            EXPECT_TRUE(std::ranges::equal(*section_again, kept)) << file;
        }
    }
    EXPECT_GE(uncompressed, 8U);
}

TEST(GoldenBatches, MarkersAreBuiltByteForByte) {
    for (const bool commit : {false, true}) {
        const Bytes golden = bytes_in(std::filesystem::path(MOLDAU_GOLDEN_BATCHES) /
                                      (commit ? "marker_commit.bin" : "marker_abort.bin"));
        EXPECT_EQ(end_transaction_batch({.base_offset = Offset(88),
                                         .leader_epoch = LeaderEpoch(7),
                                         .producer_id = ProducerId(4711),
                                         .producer_epoch = ProducerEpoch(3)},
                                        {.commit = commit, .coordinator_epoch = 21}, Timestamp(1'700'000'000'000)),
                  golden);
    }
}

// A line of verdicts.txt.
struct Verdict {
    std::string name;
    ValidatorConfig config;
    Bytes batch;
    int error = 0;
    std::vector<std::int32_t> refused_records;
    Bytes result;
};

Bytes bytes_of_hex(std::string_view hex) {
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes.push_back(static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
    return bytes;
}

Verdict verdict_of(const std::string& line) {
    std::istringstream fields(line);
    Verdict verdict;
    int type = 0;
    std::string target;
    std::string batch;
    std::string records;
    std::string result;
    fields >> verdict.name >> type >> verdict.config.timestamp_before_max_ms >> verdict.config.timestamp_after_max_ms >>
        verdict.config.compacted >> target >> batch >> verdict.error >> records >> result;
    EXPECT_TRUE(fields) << line;
    verdict.config.timestamp_type = static_cast<TimestampType>(type);
    verdict.config.compression = codec_named(target);
    verdict.batch = bytes_of_hex(batch);
    verdict.result = bytes_of_hex(result);
    std::istringstream indexes(records == "-" ? "" : records);
    for (std::string index; std::getline(indexes, index, ',');) verdict.refused_records.push_back(std::stoi(index));
    return verdict;
}

// Kafka's checks fail unexpectedly (−1) on codecs that do not exist, on damage under a right CRC and on a length that
// overflows its integer: there we answer with an error that says so. A delete horizon it takes from clients, too.
bool acceptable(const Verdict& kafkas, int ours) {
    if (kafkas.error == -1)
        return ours == batch_error::invalid_record || ours == batch_error::unsupported_compression_type;
    if (kafkas.error == 0 && BatchView(kafkas.batch).delete_horizon()) return ours == batch_error::invalid_record;
    return kafkas.error == ours;
}

TEST(GoldenVerdicts, AreKafkas) {
    BatchValidator validator;
    std::size_t accepted = 0;
    std::size_t refused = 0;
    for (const std::string& line : lines_in(std::filesystem::path(MOLDAU_GOLDEN_BATCHES) / "verdicts.txt")) {
        const Verdict verdict = verdict_of(line);
        Bytes batch = verdict.batch;
        const auto valid = validator.validate(
            batch, verdict.config,
            {.next_offset = Offset(1000), .leader_epoch = LeaderEpoch(6), .now = Timestamp(1'700'000'100'000)});
        const int error = valid ? 0 : valid.error().error;
        EXPECT_TRUE(acceptable(verdict, error)) << verdict.name << ": Kafka " << verdict.error << ", ours " << error
                                                << (valid ? "" : " " + valid.error().message);
        if (!valid) {
            std::vector<std::int32_t> indexes;
            for (const RecordError& record : valid.error().record_errors) indexes.push_back(record.batch_index);
            EXPECT_EQ(indexes, verdict.refused_records) << verdict.name;
            ++refused;
            continue;
        }
        ++accepted;
        const BatchView kafkas(verdict.result);
        if (valid->is_rebuilt() && kafkas.codec() != Codec::none) {
            auto ours = describe(valid->batch().bytes());
            auto theirs = describe(verdict.result);
            // Compressors may differ in size.
            for (auto* lines : {&ours, &theirs}) lines->front().erase(lines->front().find(" size="), 10);
            EXPECT_EQ(ours, theirs) << verdict.name;
        } else if (valid->is_rebuilt() && valid->codec == BatchView(verdict.batch).codec()) {
            // Offset deltas out of order: Kafka appends them as they are, we number them anew.
            EXPECT_EQ(valid->batch().last_offset(), kafkas.last_offset()) << verdict.name;
        } else {
            EXPECT_TRUE(std::ranges::equal(valid->batch().bytes(), verdict.result)) << verdict.name;
        }
    }
    EXPECT_GE(accepted, 100U);
    EXPECT_GE(refused, 100U);
}

}  // namespace
}  // namespace moldau::protocol::golden
