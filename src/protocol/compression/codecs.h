#pragma once
// One pair of functions a codec, behind Decompressor and Compressor; and the buffer that output grows in.

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

/// Bytes that grow by doubling up to a limit, without being cleared first.
class OutputBuffer {
 public:
    /// Empties it, and frees it when it holds more than Decompressor::retained_bytes.
    void start(std::size_t limit_bytes);

    /// Free space at the end, at least one byte, at most up to the limit; empty when the limit is reached.
    MutableBytes space(std::size_t wanted_bytes = smallest_growth);
    /// Requires: that much of the last space() was written.
    void commit(std::size_t bytes) {
        MOLDAU_ASSERT(bytes <= room_bytes() && bytes <= data_.size() - size_);
        size_ += bytes;
    }

    std::size_t room_bytes() const { return limit_ - size_; }
    std::size_t limit_bytes() const { return limit_; }
    ByteView bytes() const { return {data_.data(), size_}; }
    std::size_t held_bytes() const { return data_.size(); }

 private:
    static constexpr std::size_t smallest_growth = 16UL << 10;

    Buffer data_;
    std::size_t size_ = 0;
    std::size_t limit_ = 0;
};

struct DecompressionContexts {
    std::unique_ptr<z_stream, void (*)(z_stream*)> gzip{nullptr, nullptr};
    std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> lz4{nullptr, nullptr};
    std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> zstd{nullptr, nullptr};
};

struct CompressionContexts {
    std::unique_ptr<LZ4F_cctx, LZ4F_errorCode_t (*)(LZ4F_cctx*)> lz4{nullptr, nullptr};
    std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> zstd{nullptr, nullptr};
};

Result<void> decompress_gzip(DecompressionContexts& contexts, ByteView input, OutputBuffer& output);
Result<void> decompress_snappy(ByteView input, OutputBuffer& output);
Result<void> decompress_lz4(DecompressionContexts& contexts, ByteView input, OutputBuffer& output);
Result<void> decompress_zstd(DecompressionContexts& contexts, ByteView input, OutputBuffer& output);

void compress_gzip(ByteView input, Bytes& out, std::optional<int> level);
void compress_snappy(ByteView input, Bytes& out);
void compress_lz4(CompressionContexts& contexts, ByteView input, Bytes& out, std::optional<int> level);
void compress_zstd(CompressionContexts& contexts, ByteView input, Bytes& out, std::optional<int> level);

/// The failure of an input that yields more than the limit.
std::unexpected<Error> too_much_output(Codec codec, const OutputBuffer& output);
std::unexpected<Error> damaged_input(Codec codec, std::string_view what);

}  // namespace moldau::protocol
