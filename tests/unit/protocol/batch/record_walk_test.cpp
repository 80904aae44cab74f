#include <algorithm>
#include <map>
#include <random>
#include <tuple>

#include <gtest/gtest.h>

#include <moldau/protocol/record_walk.h>

#include "unit/protocol/batch/batch_samples.h"

namespace moldau::protocol {
namespace {

constexpr std::size_t largest_section = 256UL << 20;
constexpr std::size_t most_held = 1UL << 20;

/// What both ways of reading tell of a record.
using Seen = std::tuple<std::int64_t, std::int32_t, int, std::int32_t, bool, bool>;

template <class Record>
Seen seen(const Record& record) {
    return {record.timestamp_delta, record.offset_delta,    record.attributes,
            record.header_count,    record.key.has_value(), record.value.has_value()};
}

struct SeenRecords {
    std::vector<Seen> records;
    std::string damage;
    bool operator==(const SeenRecords&) const = default;
};

SeenRecords seen_by_iterator(ByteView section, std::int32_t count) {
    SeenRecords all;
    RecordIterator records(section, count);
    for (RecordView record; records.next(record);) all.records.push_back(seen(record));
    all.damage = records.damage();
    return all;
}

SeenRecords seen_by_walk(ByteView batch, Decompressor& decompressor) {
    SeenRecords all;
    RecordWalk records(BatchView(batch), decompressor, largest_section);
    for (RecordSkeleton record; records.next(record);) all.records.push_back(seen(record));
    all.damage = records.damage();
    if (records.decompression_error()) {
        EXPECT_EQ(all.damage, "");
        all.damage = "decompression: " + records.decompression_error()->message;
    }
    RecordSkeleton record;
    EXPECT_FALSE(records.next(record)) << "its end is an end";
    return all;
}

/// A batch of these records; what else its header says does not matter to a walk.
Bytes batch_around(Codec codec, std::int32_t count, ByteView compressed) {
    Bytes batch(batch_layout::header_bytes);
    store_big_endian(batch.data() + batch_layout::attributes, static_cast<std::uint16_t>(codec));
    store_big_endian(batch.data() + batch_layout::count, count);
    batch.insert(batch.end(), compressed.begin(), compressed.end());
    return batch;
}

class RandomSections {
 public:
    explicit RandomSections(std::uint32_t seed) : random_(seed) {}

    std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }

    Bytes bytes(std::size_t size) {
        Bytes bytes(size);
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(below(4));
        return bytes;
    }

    /// `count` records, one in eight of them with content of up to `largest` bytes.
    Bytes section(std::int32_t count, std::size_t largest) {
        BatchBuilder builder({});
        for (std::int32_t i = 0; i < count; ++i) {
            const Bytes content = bytes(below(below(8) == 0 ? largest : 20));
            const ByteView all(content);
            const ByteView some = all.first(std::min<std::size_t>(all.size(), 30));
            const std::vector<HeaderView> headers(below(4) == 0 ? below(100) : 0,
                                                  {.key = text_of(some), .value = maybe(some)});
            builder.append_at(builder.next_offset() + static_cast<std::int64_t>(below(below(2) == 0 ? 1 : 100'000)),
                              {.timestamp = Timestamp(static_cast<std::int64_t>(random_() << below(32))),
                               .key = maybe(all.first(all.size() / 2)),
                               .value = maybe(all),
                               .headers = headers});
        }
        const Bytes batch = builder.finish();
        return {batch.begin() + batch_layout::records, batch.end()};
    }

    /// The same, with some bytes that are others, more or fewer.
    Bytes mutated(Bytes section) {
        for (std::size_t changes = below(3); changes-- > 0 && !section.empty();) {
            const auto at = section.begin() + static_cast<std::ptrdiff_t>(below(section.size()));
            switch (below(5)) {
                case 0:
                    *at = static_cast<std::uint8_t>(below(256));
                    break;
                case 1:
                    *at ^= static_cast<std::uint8_t>(1U << below(8));
                    break;
                case 2:
                    section.erase(at, below(2) == 0 ? at + 1 : section.end());
                    break;
                case 3:
                    section.insert(at, static_cast<std::uint8_t>(below(256)));
                    break;
                default:
                    section.insert(at, 1 + below(11), 0xff);  // a large or endless number
            }
        }
        return section;
    }

    /// Snappy's chunks come out one a piece: here of random sizes, down to a byte.
    Bytes in_chunks(ByteView section, std::size_t largest) {
        Bytes chunks = Compressor().compress(Codec::snappy, {});
        while (!section.empty()) {
            const std::size_t size = std::min(section.size(), 1 + below(largest));
            Compressor().compress(Codec::snappy, section.first(size), chunks);
            section = section.subspan(size);
        }
        return chunks;
    }

 private:
    std::optional<ByteView> maybe(ByteView content) {
        if (below(6) == 0) return std::nullopt;
        return content;
    }

    std::mt19937_64 random_;
};

TEST(RecordWalk, SeesWhatTheIteratorSeesInTheWhole) {
    for (std::uint32_t seed = 1; seed <= 6; ++seed) {
        SCOPED_TRACE(seed);
        RandomSections random(seed);
        const std::int32_t count = 1 + static_cast<std::int32_t>(random.below(60));
        const Bytes section = random.section(count, 200'000);
        const SeenRecords expected = seen_by_iterator(section, count);
        ASSERT_EQ(expected.damage, "");
        for (const Codec codec : samples::all_codecs)
            for (const std::size_t piece_bytes :
                 {std::size_t{1}, 1 + random.below(100), Decompressor::default_piece_bytes}) {
                Decompressor decompressor(piece_bytes);
                const Bytes batch = batch_around(codec, count, Compressor().compress(codec, section));
                EXPECT_EQ(seen_by_walk(batch, decompressor), expected) << to_string(codec) << ' ' << piece_bytes;
            }
        Decompressor decompressor;
        EXPECT_EQ(seen_by_walk(batch_around(Codec::snappy, count, random.in_chunks(section, 3000)), decompressor),
                  expected);
    }
}

TEST(RecordWalk, JudgesDamagedRecordsAsTheIteratorDoes) {
    std::map<std::string, int> verdicts;
    Decompressor decompressor;
    for (std::uint32_t seed = 1; seed <= 3000; ++seed) {
        SCOPED_TRACE(seed);
        RandomSections random(seed);
        const std::int32_t count = static_cast<std::int32_t>(random.below(5));
        const Bytes section = random.mutated(count == 0 ? Bytes() : random.section(count, 40));
        const std::int32_t told = random.below(20) == 0 ? count - 1 : count;
        const SeenRecords expected = seen_by_iterator(section, told);
        ++verdicts[expected.damage];
        EXPECT_EQ(seen_by_walk(batch_around(Codec::none, told, section), decompressor), expected);
        for (const std::size_t largest : {1, 2, 5, 40})
            EXPECT_EQ(seen_by_walk(batch_around(Codec::snappy, told, random.in_chunks(section, largest)), decompressor),
                      expected)
                << largest;
    }
    for (const auto& [damage, times] : verdicts) RecordProperty(damage.empty() ? "sound" : damage, times);
    EXPECT_EQ(verdicts.size(), 13U) << "every verdict that there is";
}

TEST(RecordWalk, AcceptsNoCompressedBytesThatTheWholeDoesNotYield) {
    for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
        const Bytes whole = samples::batch_of(3, {.codec = codec});
        for (std::size_t size = batch_layout::records; size < whole.size(); ++size)
            for (int bit = -1; bit < 8; ++bit) {  // −1: cut off here; otherwise that bit is another
                Bytes batch = whole;
                if (bit < 0)
                    batch.resize(size);
                else
                    batch[size] ^= static_cast<std::uint8_t>(1U << bit);
                Decompressor at_once;
                Decompressor in_pieces(5);
                const auto section = at_once.decompress(codec, BatchView(batch).records(), largest_section);
                const SeenRecords seen = seen_by_walk(batch, in_pieces);
                if (section)
                    EXPECT_EQ(seen, seen_by_iterator(*section, 3)) << to_string(codec) << ' ' << size << ' ' << bit;
                else
                    EXPECT_NE(seen.damage, "") << to_string(codec) << ' ' << size << ' ' << bit;
            }
    }
}

TEST(RecordWalk, HoldsAPieceWhateverTheSizesOfRecords) {
    BatchBuilder one({});
    const std::string zeros(64UL << 20, '\0');
    one.append({.timestamp = Timestamp(1), .value = samples::text(zeros)});
    const Bytes of_one = one.finish();
    constexpr std::int32_t many = 1'000'000;
    BatchBuilder small({});
    for (std::int32_t i = 0; i < many; ++i) small.append({.timestamp = Timestamp(1), .key = ByteView{}});
    const Bytes of_many = small.finish();
    for (const Bytes* batch : {&of_one, &of_many})
        for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
            const BatchView view(*batch);
            const Bytes compressed = batch_around(codec, view.count(), Compressor().compress(codec, view.records()));
            Decompressor decompressor;
            RecordWalk records(BatchView(compressed), decompressor, largest_section);
            std::int32_t count = 0;
            for (RecordSkeleton record; records.next(record);) ++count;
            EXPECT_EQ(count, view.count()) << records.damage();
            EXPECT_LE(decompressor.held_bytes(), most_held) << to_string(codec) << ": before it gives anything back";
        }
}

TEST(RecordWalk, TheLimitMayBeReachedButNotExceeded) {
    for (const Codec codec : samples::all_codecs) {
        const Bytes batch = samples::batch_of(50, {.codec = codec});
        const std::size_t size = BatchView(samples::batch_of(50)).records().size();
        Decompressor decompressor(16);
        const auto error_within = [&](std::size_t limit) {
            RecordWalk records(BatchView(batch), decompressor, limit);
            for (RecordSkeleton record; records.next(record);) {
            }
            EXPECT_EQ(records.damage(), "");
            return records.decompression_error();
        };
        EXPECT_FALSE(error_within(size)) << to_string(codec);
        ASSERT_TRUE(error_within(size - 1)) << to_string(codec);
        EXPECT_EQ(error_within(size - 1)->code, Errc::invalid);
    }
}

}  // namespace
}  // namespace moldau::protocol
