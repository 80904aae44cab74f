#include <array>
#include <cstring>

#include <fmt/format.h>

#include <moldau/protocol/compression.h>

#include "compression/codecs.h"

namespace moldau::protocol {
namespace {

constexpr std::array<std::string_view, 5> codec_names{"none", "gzip", "snappy", "lz4", "zstd"};

}  // namespace

std::string_view to_string(Codec codec) {
    return codec_names[static_cast<std::size_t>(codec)];
}

std::optional<Codec> codec_of(std::uint8_t id) {
    if (id >= codec_names.size()) return std::nullopt;
    return static_cast<Codec>(id);
}

std::optional<Codec> codec_named(std::string_view name) {
    const auto found = std::find(codec_names.begin(), codec_names.end(), name);
    if (found == codec_names.end()) return std::nullopt;
    return static_cast<Codec>(found - codec_names.begin());
}

void OutputBuffer::start(std::size_t limit_bytes) {
    size_ = 0;
    limit_ = limit_bytes;
    if (data_.size() > Decompressor::retained_bytes) data_.resize(0);
}

MutableBytes OutputBuffer::space(std::size_t wanted_bytes) {
    wanted_bytes = std::min(wanted_bytes, room_bytes());
    if (data_.size() - size_ < wanted_bytes || (data_.size() == size_ && room_bytes() > 0)) {
        const std::size_t doubled = std::max({data_.size() * 2, size_ + wanted_bytes, smallest_growth});
        data_.resize(std::min(doubled, std::max(limit_, smallest_growth)));
    }
    return {data_.data() + size_, std::min(data_.size() - size_, room_bytes())};
}

std::unexpected<Error> too_much_output(Codec codec, const OutputBuffer& output) {
    return fail(Errc::invalid, fmt::format("{} data decompresses to more than the limit of {} bytes; send smaller "
                                           "batches",
                                           to_string(codec), output.limit_bytes()));
}

std::unexpected<Error> damaged_input(Codec codec, std::string_view what) {
    return fail(Errc::invalid, fmt::format("{} data cannot be decompressed: {}", to_string(codec), what));
}

Decompressor::Decompressor()
    : output_(std::make_unique<OutputBuffer>()), contexts_(std::make_unique<DecompressionContexts>()) {}
Decompressor::~Decompressor() = default;
Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor& Decompressor::operator=(Decompressor&&) noexcept = default;

Result<ByteView> Decompressor::decompress(Codec codec, ByteView input, std::size_t max_output_bytes) {
    output_->start(max_output_bytes);
    Result<void> done;
    switch (codec) {
        case Codec::none:
            if (input.size() > max_output_bytes) return too_much_output(codec, *output_);
            return input;
        case Codec::gzip:
            done = decompress_gzip(*contexts_, input, *output_);
            break;
        case Codec::snappy:
            done = decompress_snappy(input, *output_);
            break;
        case Codec::lz4:
            done = decompress_lz4(*contexts_, input, *output_);
            break;
        case Codec::zstd:
            done = decompress_zstd(*contexts_, input, *output_);
            break;
    }
    if (!done) return std::unexpected(std::move(done).error());
    return output_->bytes();
}

std::size_t Decompressor::held_bytes() const {
    return output_->held_bytes();
}

void Decompressor::release_excess() {
    output_->start(0);
    // A frame with a large window leaves a large context behind.
    if (contexts_->zstd != nullptr && ZSTD_sizeof_DCtx(contexts_->zstd.get()) > retained_bytes) contexts_->zstd.reset();
}

Compressor::Compressor() : contexts_(std::make_unique<CompressionContexts>()) {}
Compressor::~Compressor() = default;
Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;

void Compressor::compress(Codec codec, ByteView input, Bytes& out, std::optional<int> level) {
    switch (codec) {
        case Codec::none:
            out.insert(out.end(), input.begin(), input.end());
            break;
        case Codec::gzip:
            compress_gzip(input, out, level);
            break;
        case Codec::snappy:
            compress_snappy(input, out);
            break;
        case Codec::lz4:
            compress_lz4(*contexts_, input, out, level);
            break;
        case Codec::zstd:
            compress_zstd(*contexts_, input, out, level);
            break;
    }
}

}  // namespace moldau::protocol
