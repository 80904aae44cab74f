#pragma once
// A decoder and a compressing function a codec, behind Decompressor and Compressor; and the buffer that decoders fill.

#include <algorithm>
#include <memory>
#include <optional>

#include <zlib.h>
#include <zstd.h>
#define LZ4F_STATIC_LINKING_ONLY
#include <lz4frame.h>

#include <moldau/base/assert.h>
#include <moldau/base/buffer.h>
#include <moldau/protocol/compression.h>

namespace moldau::protocol {

/// What decoders have put out since clear(), and the limit on all of it together. It grows by doubling, without being
/// cleared first: not at all where each piece is cleared away before the next.
class OutputBuffer {
 public:
    explicit OutputBuffer(std::size_t piece_bytes) : piece_bytes_(piece_bytes) {}

    /// Empties it, and frees it when it holds more than Decompressor::retained_bytes.
    void start(std::size_t limit_bytes);
    /// Drops the bytes so far; they count towards the limit still.
    void clear() { size_ = 0; }

    /// Free space at the end, of a piece's size or what the limit leaves. Once the limit is reached one byte of no
    /// worth: whether it is used tells output that fills the limit exactly from output that exceeds it.
    MutableBytes space() { return space(piece_bytes_); }
    MutableBytes space(std::size_t wanted_bytes);
    /// Takes over that much of the last space(); false when it is beyond the limit.
    [[nodiscard]] bool commit(std::size_t bytes) {
        if (bytes > room_) return false;
        MOLDAU_ASSERT(bytes <= data_.size() - size_);
        size_ += bytes;
        room_ -= bytes;
        return true;
    }

    /// More was there than the limit leaves room for.
    void use_up() { room_ = 0; }
    std::size_t room_bytes() const { return room_; }
    std::size_t limit_bytes() const { return limit_; }
    ByteView bytes() const { return {data_.data(), size_}; }
    std::size_t held_bytes() const { return data_.size(); }

 private:
    std::size_t piece_bytes_;
    Buffer data_;
    std::size_t size_ = 0;
    std::size_t limit_ = 0;
    std::size_t room_ = 0;  ///< what of the limit is left
    std::uint8_t beyond_limit_ = 0;
};

/// One codec's stream, read step by step; kept for the next stream.
class Decoder {
 public:
    virtual ~Decoder() = default;
    /// Begins with `input`, which stays until the last read.
    virtual void start(ByteView input) = 0;
    /// Puts some more into `output`, or nothing yet; false when the stream has come to its end. Not to be called after
    /// that, nor after a failure.
    virtual Result<bool> read(OutputBuffer& output) = 0;
    /// Its context has grown beyond Decompressor::retained_bytes.
    virtual bool is_large() const { return false; }
};

std::unique_ptr<Decoder> gzip_decoder();
std::unique_ptr<Decoder> snappy_decoder();
std::unique_ptr<Decoder> lz4_decoder();
std::unique_ptr<Decoder> zstd_decoder();

struct CompressionContexts {
    std::unique_ptr<LZ4F_cctx, LZ4F_errorCode_t (*)(LZ4F_cctx*)> lz4{nullptr, nullptr};
    std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> zstd{nullptr, nullptr};
};

void compress_gzip(ByteView input, Bytes& out, std::optional<int> level);
void compress_snappy(ByteView input, Bytes& out);
void compress_lz4(CompressionContexts& contexts, ByteView input, Bytes& out, std::optional<int> level);
void compress_zstd(CompressionContexts& contexts, ByteView input, Bytes& out, std::optional<int> level);

/// The failure of an input that yields more than the limit.
std::unexpected<Error> too_much_output(Codec codec, OutputBuffer& output);
std::unexpected<Error> damaged_input(Codec codec, std::string_view what);

}  // namespace moldau::protocol
