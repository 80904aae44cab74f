#include <moldau/raft/snapshot.h>

#include "unit/raft/samples.h"

namespace moldau::raft {
namespace {

const SnapshotHeader header{
    .last_contained_log_timestamp = Timestamp(77),
    .kraft_version = 1,
    .voters = VoterSet({voter(self.id, self.directory_id)}),
};

/// Reads a snapshot in pieces of `piece` bytes; the values of its records.
Result<std::vector<std::string>> read_values(ByteView snapshot, std::size_t piece, SnapshotReader& reader) {
    std::vector<std::string> values;
    protocol::BatchView batch;
    while (!snapshot.empty()) {
        const auto part = snapshot.first(std::min(piece, snapshot.size()));
        snapshot = snapshot.subspan(part.size());
        reader.feed(part);
        for (;;) {
            MOLDAU_TRY(more, reader.next(batch));
            if (!more) break;
            protocol::RecordIterator records(batch.records(), batch.count());
            for (protocol::RecordView record; records.next(record);) values.emplace_back(text_of(*record.value));
        }
    }
    MOLDAU_CHECK(reader.finish());
    return values;
}

Bytes sample_snapshot(std::size_t records, std::size_t record_bytes) {
    SnapshotWriter writer(LeaderEpoch(4), header, Timestamp(100));
    for (std::size_t i = 0; i < records; ++i) {
        writer.append(Bytes(record_bytes, static_cast<std::uint8_t>(i)), Timestamp(101));
    }
    writer.finish(Timestamp(102));
    return writer.take();
}

TEST(SnapshotName, HasTwentyAndTenDigits) {
    const SnapshotId id{Offset(1234), LeaderEpoch(56)};
    EXPECT_EQ(snapshot_file_name(id), "00000000000000001234-0000000056.checkpoint");
    EXPECT_EQ(parse_snapshot_file_name(snapshot_file_name(id)), id);
    for (const std::string_view name :
         {"00000000000000001234-0000000056.checkpoint.part", "00000000000000001234-0000000056.checkpoint.deleted",
          "0000000000000001234-0000000056.checkpoint", "00000000000000001234_0000000056.checkpoint",
          "-0000000000000001234-0000000056.checkpoint", "00000000000000001234-00000x0056.checkpoint", "", ".checkpoint",
          "00000000000000000000.log", "99999999999999999999-0000000056.checkpoint"}) {
        EXPECT_FALSE(parse_snapshot_file_name(name)) << name;
    }
}

TEST(SnapshotWriter, WritesTheBytesOfKafkasFirstSnapshot) {
    const Bytes expected = golden("00000000000000000000-0000000000.checkpoint");
    SnapshotReader reader;
    reader.feed(expected);
    protocol::BatchView batch;
    EXPECT_EQ(reader.next(batch), false);
    ASSERT_TRUE(reader.finish());
    ASSERT_TRUE(reader.header());
    EXPECT_EQ(reader.header()->voters.voters().at(NodeId(1)).endpoints.at(0).port, 29093);

    const protocol::BatchView first = protocol::parse_batch(expected).batch;
    const protocol::BatchView last = protocol::parse_batch(ByteView(expected).subspan(first.size_bytes())).batch;
    SnapshotWriter writer(LeaderEpoch(0), *reader.header(), first.base_timestamp());
    writer.finish(last.base_timestamp());
    EXPECT_EQ(writer.take(), expected);
}

TEST(SnapshotWriter, WritesTheBytesOfKafkasBootstrapCheckpoint) {
    const Bytes expected = golden("bootstrap.checkpoint");
    std::vector<protocol::BatchView> batches;
    protocol::BatchIterator iterator(expected);
    for (protocol::BatchView batch; iterator.next(batch);) batches.push_back(batch);
    ASSERT_EQ(batches.size(), 3U);

    SnapshotReader reader;
    const auto values = read_values(expected, expected.size(), reader);
    ASSERT_TRUE(values);
    EXPECT_EQ(values->size(), 6U);
    SnapshotWriter writer(LeaderEpoch(0), *reader.header(), batches[0].base_timestamp());
    for (const auto& value : *values) writer.append(bytes_of(value), batches[1].base_timestamp());
    writer.finish(batches[2].base_timestamp());
    EXPECT_EQ(writer.take(), expected);
}

TEST(Snapshot, ReadsBackInPiecesOfAnySize) {
    const Bytes snapshot = sample_snapshot(20, 150'000);
    for (const std::size_t piece : {std::size_t{1000}, std::size_t{65536}, snapshot.size()}) {
        SnapshotReader reader;
        const auto values = read_values(snapshot, piece, reader);
        ASSERT_TRUE(values);
        ASSERT_EQ(values->size(), 20U);
        EXPECT_EQ(values->at(19), std::string(150'000, '\x13'));
        EXPECT_EQ(reader.header()->last_contained_log_timestamp, Timestamp(77));
        EXPECT_EQ(reader.header()->kraft_version, 1);
        EXPECT_EQ(reader.header()->voters, header.voters);
    }
}

TEST(Snapshot, BytesCanBeTakenWhileItIsWritten) {
    SnapshotWriter writer(LeaderEpoch(4), header, Timestamp(100));
    Bytes pieces = writer.take();
    EXPECT_FALSE(pieces.empty());
    for (std::size_t i = 0; i < 20; ++i) {
        writer.append(Bytes(150'000, static_cast<std::uint8_t>(i)), Timestamp(101));
        const Bytes piece = writer.take();
        pieces.insert(pieces.end(), piece.begin(), piece.end());
    }
    writer.finish(Timestamp(102));
    const Bytes piece = writer.take();
    pieces.insert(pieces.end(), piece.begin(), piece.end());
    EXPECT_EQ(pieces, sample_snapshot(20, 150'000));
}

TEST(SnapshotReader, CutOrDamagedSnapshotsAreCorrupt) {
    const Bytes whole = sample_snapshot(3, 10);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        SnapshotReader reader;
        const auto values = read_values(ByteView(whole).first(size), 50, reader);
        ASSERT_FALSE(values) << size;
        EXPECT_EQ(values.error().code, Errc::corrupt);
    }
    for (std::size_t i = protocol::batch_layout::magic; i < whole.size(); ++i) {
        Bytes damaged = whole;
        damaged[i] ^= 0x40;
        SnapshotReader reader;
        const auto values = read_values(damaged, damaged.size(), reader);
        // Base offsets and epochs lie outside the checksum and mean nothing here.
        if (values) EXPECT_EQ(values->size(), 3U) << i;
    }
    Bytes twice = whole;
    twice.insert(twice.end(), whole.begin(), whole.end());
    SnapshotReader reader;
    EXPECT_FALSE(read_values(twice, 64, reader));
}

}  // namespace
}  // namespace moldau::raft
