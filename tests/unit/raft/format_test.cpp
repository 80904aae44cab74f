#include <moldau/raft/format.h>
#include <moldau/raft/snapshot.h>

#include "unit/raft/samples.h"

namespace moldau::raft {
namespace {

std::vector<Bytes> kafkas_bootstrap_records() {
    std::vector<Bytes> values;
    const Bytes snapshot = golden("bootstrap.checkpoint");
    SnapshotReader reader;
    reader.feed(snapshot);
    for (protocol::BatchView batch; reader.next(batch) == true;) {
        protocol::RecordIterator records(batch.records(), batch.count());
        for (protocol::RecordView record; records.next(record);)
            values.emplace_back(record.value->begin(), record.value->end());
    }
    EXPECT_EQ(values.size(), 6U);
    return values;
}

FormatOptions sample_options() {
    return {.cluster_id = "4L6g3nShT-eMCtK--X86sw",
            .node_id = NodeId(1),
            .directory_id = *Uuid::parse("5CfiQGdNTkS8So5R1NmyiQ"),
            .controller_endpoints = {{"CONTROLLER", "127.0.0.1", 29093}},
            .bootstrap_records = kafkas_bootstrap_records(),
            .now = Timestamp(1'795'226'820'123)};  // 2026-11-21 02:07:00 UTC
}

// Kafka takes the time anew for each batch: what is left when times and checksums are blanked.
Bytes without_times(Bytes snapshot) {
    for (std::size_t at = 0; at < snapshot.size();) {
        const auto size = protocol::parse_batch(ByteView(snapshot).subspan(at)).batch.size_bytes();
        if (size == 0) break;
        using namespace protocol::batch_layout;
        std::fill_n(snapshot.begin() + static_cast<std::ptrdiff_t>(at + crc), 4, 0);
        std::fill_n(snapshot.begin() + static_cast<std::ptrdiff_t>(at + base_timestamp), 16, 0);
        at += size;
    }
    return snapshot;
}

TEST(Format, WritesTheFilesOfKafkasStorageTool) {
    const auto files = format_plan(sample_options());
    ASSERT_EQ(files.size(), 3U);
    EXPECT_EQ(files[0].path, "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint");
    EXPECT_EQ(files[1].path, "bootstrap.checkpoint");
    EXPECT_EQ(files[2].path, "meta.properties");
    EXPECT_EQ(text_of(files[2].content), text_of(golden("meta.properties")));
    EXPECT_EQ(without_times(files[1].content), without_times(golden("bootstrap.checkpoint")));

    // The header's own time stands in its record.
    SnapshotReader reader;
    reader.feed(golden("00000000000000000000-0000000000.checkpoint"));
    protocol::BatchView none;
    ASSERT_EQ(reader.next(none), false);
    const Bytes expected = golden("00000000000000000000-0000000000.checkpoint");
    constexpr std::size_t header_time = 0x49;
    Bytes ours = files[0].content;
    ASSERT_EQ(ours.size(), expected.size());
    store_big_endian(ours.data() + header_time, reader.header()->last_contained_log_timestamp.value());
    EXPECT_EQ(without_times(ours), without_times(expected));
}

TEST(Format, WithoutControllerEndpointsThereIsNoSnapshot) {
    auto options = sample_options();
    options.controller_endpoints.clear();
    const auto files = format_plan(options);
    ASSERT_EQ(files.size(), 2U);
    EXPECT_EQ(files[0].path, "bootstrap.checkpoint");
}

TEST(Format, DatesAreThoseOfTheCalendar) {
    const auto date_of = [](std::int64_t seconds) {
        const auto file = meta_properties("c", NodeId(1), {}, Timestamp(seconds * 1000));
        return std::string(text_of(file.content).substr(2, 29));
    };
    EXPECT_EQ(date_of(0), "#Thu Jan 01 00:00:00 UTC 1970");
    EXPECT_EQ(date_of(951'782'399), "#Mon Feb 28 23:59:59 UTC 2000");
    EXPECT_EQ(date_of(951'782'400), "#Tue Feb 29 00:00:00 UTC 2000");
    EXPECT_EQ(date_of(4'107'542'400), "#Mon Mar 01 00:00:00 UTC 2100");
}

}  // namespace
}  // namespace moldau::raft
