#include <gtest/gtest.h>
#include <snappy.h>

#include <moldau/protocol/compression.h>

namespace moldau::protocol {
namespace {

constexpr std::size_t plenty = 64UL << 20;
constexpr Codec compressing[] = {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd};

// Half text, half noise, so that blocks are neither trivial nor stored.
Bytes sample(std::size_t size) {
    Bytes bytes(size);
    std::uint32_t state = 1;
    for (std::size_t i = 0; i < size; ++i) {
        state = state * 1664525 + 1013904223;
        bytes[i] = i % 64 < 32 ? static_cast<std::uint8_t>('a' + i % 32) : static_cast<std::uint8_t>(state >> 24);
    }
    return bytes;
}

Bytes raw_snappy(ByteView input) {
    std::string out;
    snappy::Compress(reinterpret_cast<const char*>(input.data()), input.size(), &out);
    const ByteView bytes = bytes_of(out);
    return {bytes.begin(), bytes.end()};
}

Bytes joined(const Bytes& a, const Bytes& b) {
    Bytes both = a;
    both.insert(both.end(), b.begin(), b.end());
    return both;
}

void expect_yields(Codec codec, ByteView input, ByteView expected) {
    Decompressor decompressor;
    const auto output = decompressor.decompress(codec, input, plenty);
    ASSERT_TRUE(output) << output.error().message;
    EXPECT_TRUE(std::ranges::equal(*output, expected)) << to_string(codec);
}

TEST(Codecs, HaveKafkasNumbersAndNames) {
    EXPECT_EQ(codec_of(0), Codec::none);
    EXPECT_EQ(codec_of(4), Codec::zstd);
    EXPECT_FALSE(codec_of(5));
    EXPECT_EQ(codec_named("lz4"), Codec::lz4);
    EXPECT_FALSE(codec_named("producer"));
}

TEST(Compression, EverySizeComesBackFromOneReusedDecompressor) {
    Compressor compressor;
    Decompressor decompressor;
    for (const Codec codec : compressing)
        for (const std::size_t size : {0UL, 1UL, 100UL, 32768UL, 32769UL, 65536UL, 200'000UL, 3'000'000UL}) {
            const Bytes input = sample(size);
            const Bytes compressed = compressor.compress(codec, input);
            const auto output = decompressor.decompress(codec, compressed, plenty);
            ASSERT_TRUE(output) << to_string(codec) << ' ' << size << ": " << output.error().message;
            ASSERT_TRUE(std::ranges::equal(*output, input)) << to_string(codec) << ' ' << size;
        }
}

/// All that next() yields.
Result<std::string> in_pieces(Decompressor& decompressor, Codec codec, ByteView input, std::size_t limit) {
    std::string all;
    decompressor.start(codec, input, limit);
    while (true) {
        MOLDAU_TRY(piece, decompressor.next());
        if (piece.empty()) return all;
        all += text_of(piece);
    }
}

TEST(Compression, PiecesAreTheWholeInTheirOrder) {
    Compressor compressor;
    for (const std::size_t piece_bytes : {1UL, 1000UL, Decompressor::default_piece_bytes}) {
        Decompressor decompressor(piece_bytes);
        for (const Codec codec : {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd})
            for (const std::size_t size : {0UL, 1UL, 1000UL, 65536UL, 131'072UL, 300'000UL}) {
                const Bytes input = sample(size);
                const Bytes compressed = compressor.compress(codec, input);
                EXPECT_TRUE(*in_pieces(decompressor, codec, compressed, size) == text_of(input))
                    << to_string(codec) << ' ' << size << ' ' << piece_bytes;
                EXPECT_TRUE(decompressor.next()->empty()) << "an end is an end";
                if (size == 0) continue;
                const auto refused = in_pieces(decompressor, codec, compressed, size - 1);
                ASSERT_FALSE(refused);
                EXPECT_NE(refused.error().message.find(std::to_string(size - 1)), std::string::npos);
            }
    }
}

TEST(Compression, DamageIsFoundInPiecesAsInTheWhole) {
    Compressor compressor;
    Decompressor small(3);
    Decompressor whole;
    for (const Codec codec : compressing) {
        const Bytes compressed = compressor.compress(codec, sample(300));
        for (std::size_t bit = 0; bit < compressed.size() * 8; ++bit) {
            Bytes flipped = compressed;
            flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
            const auto expected = whole.decompress(codec, flipped, 1000);
            // Which words a library has for it may depend on where pieces end.
            const auto seen = in_pieces(small, codec, flipped, 1000);
            ASSERT_EQ(seen.has_value(), expected.has_value()) << to_string(codec) << ' ' << bit;
            if (seen) EXPECT_EQ(*seen, text_of(*expected));
        }
    }
}

TEST(Compression, AStreamThatIsDroppedLeavesNoTrace) {
    Compressor compressor;
    Decompressor decompressor(10);
    for (const Codec codec : compressing) {
        const Bytes input = sample(1000);
        const Bytes compressed = compressor.compress(codec, input);
        decompressor.start(codec, compressed, plenty);
        ASSERT_FALSE(decompressor.next()->empty());
        EXPECT_EQ(*in_pieces(decompressor, codec, compressed, plenty), text_of(input)) << to_string(codec);
    }
}

TEST(Compression, EveryLevelOfKafkasScaleReadsBack) {
    Compressor compressor;
    const Bytes input = sample(10'000);
    for (const Codec codec : compressing)
        for (const int level : {-200'000, -1, 0, 1, 3, 9, 12, 17, 22, 100})
            expect_yields(codec, compressor.compress(codec, input, level), input);
}

TEST(Compression, OutputMayFillTheLimitButNotExceedIt) {
    Compressor compressor;
    Decompressor decompressor;
    for (const Codec codec : compressing)
        for (const std::size_t size : {1000UL, 65536UL, 100'000UL}) {
            const Bytes compressed = compressor.compress(codec, sample(size));
            EXPECT_TRUE(decompressor.decompress(codec, compressed, size)) << to_string(codec) << ' ' << size;
            const auto refused = decompressor.decompress(codec, compressed, size - 1);
            ASSERT_FALSE(refused) << to_string(codec) << ' ' << size;
            EXPECT_EQ(refused.error().code, Errc::invalid);
            EXPECT_NE(refused.error().message.find(std::to_string(size - 1)), std::string::npos);
        }
}

TEST(Compression, BombsAreRefused) {
    Compressor compressor;
    Decompressor decompressor;
    const Bytes zeros(32UL << 20);
    for (const Codec codec : compressing) {
        const Bytes bomb = compressor.compress(codec, zeros);
        EXPECT_FALSE(decompressor.decompress(codec, bomb, 1UL << 20)) << to_string(codec);
    }
    EXPECT_FALSE(decompressor.decompress(Codec::snappy, raw_snappy(zeros), 1UL << 20));
}

TEST(Compression, OutputTakesNoMoreThanTheLimitAndIsGivenBack) {
    const Bytes zeros(3 * Decompressor::retained_bytes);
    const std::size_t limit = zeros.size() + 1000;
    for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
        Decompressor decompressor;
        ASSERT_TRUE(decompressor.decompress(codec, Compressor().compress(codec, zeros), limit)) << to_string(codec);
        EXPECT_LE(decompressor.held_bytes(), limit) << to_string(codec);
        decompressor.release_excess();
        EXPECT_LE(decompressor.held_bytes(), Decompressor::retained_bytes) << to_string(codec);
    }
}

TEST(Compression, EveryTruncationIsRefused) {
    Compressor compressor;
    Decompressor decompressor;
    const Bytes input = sample(300);
    for (const Codec codec : compressing) {
        const Bytes compressed = compressor.compress(codec, input);
        for (std::size_t size = 0; size < compressed.size(); ++size) {
            // A chunked snappy stream may end between chunks: here after its header.
            if (codec == Codec::snappy && size == 16) continue;
            const Bytes cut(compressed.begin(), compressed.begin() + static_cast<std::ptrdiff_t>(size));
            EXPECT_FALSE(decompressor.decompress(codec, cut, plenty)) << to_string(codec) << ' ' << size;
        }
    }
}

TEST(Compression, FlippedBitsNeverYieldMoreThanTheLimit) {
    Compressor compressor;
    Decompressor decompressor;
    const Bytes input = sample(300);
    for (const Codec codec : compressing) {
        const Bytes compressed = compressor.compress(codec, input);
        std::size_t refused = 0;
        for (std::size_t bit = 0; bit < compressed.size() * 8; ++bit) {
            Bytes flipped = compressed;
            flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
            const auto output = decompressor.decompress(codec, flipped, 1000);
            if (output)
                EXPECT_LE(output->size(), 1000U);
            else
                ++refused;
        }
        EXPECT_GT(refused, 50U) << to_string(codec);
        // A damaged stream leaves no trace in the contexts.
        const auto output = decompressor.decompress(codec, compressed, plenty);
        ASSERT_TRUE(output);
        EXPECT_TRUE(std::ranges::equal(*output, input));
    }
}

TEST(Compression, AnotherCodecsDataIsRefused) {
    Compressor compressor;
    Decompressor decompressor;
    for (const Codec written : compressing)
        for (const Codec read : compressing)
            if (written != read)
                EXPECT_FALSE(decompressor.decompress(read, compressor.compress(written, sample(1000)), plenty))
                    << to_string(written) << " as " << to_string(read);
}

TEST(Compression, NoneIsItsInput) {
    Decompressor decompressor;
    const Bytes input = sample(10);
    EXPECT_EQ(decompressor.decompress(Codec::none, input, 10)->data(), input.data());
    EXPECT_FALSE(decompressor.decompress(Codec::none, input, 9));
}

TEST(Gzip, MembersFollowEachOtherAndPaddingIsIgnored) {
    Compressor compressor;
    const Bytes a = sample(500);
    const Bytes b = sample(70'000);
    const Bytes both = joined(compressor.compress(Codec::gzip, a), compressor.compress(Codec::gzip, b));
    expect_yields(Codec::gzip, both, joined(a, b));
    expect_yields(Codec::gzip, joined(both, Bytes(30)), joined(a, b));
}

TEST(Zstd, FramesFollowEachOther) {
    Compressor compressor;
    const Bytes a = sample(500);
    const Bytes b = sample(70'000);
    expect_yields(Codec::zstd, joined(compressor.compress(Codec::zstd, a), compressor.compress(Codec::zstd, b)),
                  joined(a, b));
}

TEST(Snappy, TheRawFormOfLibrdkafkaIsRead) {
    const Bytes input = sample(100'000);
    expect_yields(Codec::snappy, raw_snappy(input), input);
    expect_yields(Codec::snappy, raw_snappy({}), {});
}

TEST(Snappy, ChunkedStreamsFollowEachOther) {
    Compressor compressor;
    const Bytes a = sample(500);
    const Bytes b = sample(70'000);
    expect_yields(Codec::snappy, joined(compressor.compress(Codec::snappy, a), compressor.compress(Codec::snappy, b)),
                  joined(a, b));
}

TEST(Snappy, AnAnnouncedGigabyteAllocatesNothing) {
    Decompressor decompressor;
    const Bytes liar{0x80, 0x80, 0x80, 0x80, 0x04, 0x00};  // 2³⁰ bytes, then nothing
    EXPECT_FALSE(decompressor.decompress(Codec::snappy, liar, 2UL << 30));
}

TEST(Lz4, FramesThatJavaClientsCannotReadAreRefused) {
    Compressor compressor;
    Decompressor decompressor;
    Bytes frame = compressor.compress(Codec::lz4, sample(1000));
    for (const int flag : {0x20, 0x01}) {  // dependent blocks; a dictionary
        frame[4] ^= static_cast<std::uint8_t>(flag);
        EXPECT_FALSE(decompressor.decompress(Codec::lz4, frame, plenty));
        frame[4] ^= static_cast<std::uint8_t>(flag);
    }
    EXPECT_TRUE(decompressor.decompress(Codec::lz4, frame, plenty));
}

}  // namespace
}  // namespace moldau::protocol
