#pragma once
// The codecs of record batches. A Decompressor and a Compressor are owned by whoever runs them, one a shard: they keep
// contexts and buffers between calls, and are not shared.
//
// What is read: gzip members, raw snappy and the chunked form that Java clients write, LZ4 frames of independent
// blocks, zstd frames. What is written is what Java clients write, which every client reads.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include <moldau/base/bytes.h>
#include <moldau/base/result.h>

namespace moldau::protocol {

/// The low three bits of a batch's attributes.
enum class Codec : std::uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };

/// Kafka's name: none, gzip, snappy, lz4, zstd.
std::string_view to_string(Codec codec);

/// The codec with that number, or that name; nothing when there is none.
std::optional<Codec> codec_of(std::uint8_t id);
std::optional<Codec> codec_named(std::string_view name);

class OutputBuffer;
class Decoder;
struct CompressionContexts;

/// Reads one compressed input at a time: piece by piece, in memory that does not grow with what it holds, or whole. Two
/// things are not bounded by the piece. A raw snappy block can be had only whole: it holds at most 22 times its size.
/// And zstd keeps the window that a frame asks for, at most 128 MiB, as every client's decoder does.
class Decompressor {
 public:
    /// A block of zstd, two of LZ4: with less gzip becomes a tenth slower.
    static constexpr std::size_t default_piece_bytes = 128UL << 10;
    /// Output and contexts larger than this are given back by release_excess().
    static constexpr std::size_t retained_bytes = 4UL << 20;

    /// Tests take pieces of a byte.
    explicit Decompressor(std::size_t piece_bytes = default_piece_bytes);
    ~Decompressor();
    Decompressor(Decompressor&&) noexcept;
    Decompressor& operator=(Decompressor&&) noexcept;

    /// Begins with `input`, which must stay until the end; what was begun before is dropped. next() tells of damage.
    void start(Codec codec, ByteView input, std::size_t max_output_bytes);
    /// The next piece of what `input` holds, empty at its end; for Codec::none `input` itself is the only one. Valid
    /// until the next call. A piece has piece_bytes at most, but for snappy, where it is a block.
    /// Errors: invalid when the input is damaged, cut short, or yields more than the limit. Not to be called after one.
    Result<ByteView> next();

    /// The whole of what `input` holds; for Codec::none `input` itself. Valid until the next call or `input`'s end.
    /// Memory grows as output arrives, never by what the input announces. Errors: as next().
    Result<ByteView> decompress(Codec codec, ByteView input, std::size_t max_output_bytes);

    /// Gives back what one large input took. Ends the last output's life.
    void release_excess();
    /// What it keeps for output.
    std::size_t held_bytes() const;
    /// Decompressed since the start; the limit, where that was what ended it. 0 for Codec::none.
    std::size_t output_bytes() const;

 private:
    Result<void> step();

    std::unique_ptr<OutputBuffer> output_;
    std::array<std::unique_ptr<Decoder>, 5> decoders_;  ///< by codec, made when first used
    Codec codec_ = Codec::none;
    ByteView uncompressed_;  ///< Codec::none: what next() has not given yet
    bool has_more_ = false;  ///< the decoder has not come to the end
};

class Compressor {
 public:
    Compressor();
    ~Compressor();
    Compressor(Compressor&&) noexcept;
    Compressor& operator=(Compressor&&) noexcept;

    /// Appends `input`, compressed, to `out`. `level` is in the scale of Kafka's compression.<codec>.level; none: the
    /// codec's default. Snappy has no levels. Levels outside the scale are brought to its ends.
    void compress(Codec codec, ByteView input, Bytes& out, std::optional<int> level = std::nullopt);

    Bytes compress(Codec codec, ByteView input, std::optional<int> level = std::nullopt) {
        Bytes out;
        compress(codec, input, out, level);
        return out;
    }

 private:
    std::unique_ptr<CompressionContexts> contexts_;
};

}  // namespace moldau::protocol
