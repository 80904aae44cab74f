#include <array>
#include <utility>

#include <fmt/format.h>

#include <moldau/protocol/compression.h>

#include "compression/codecs.h"

namespace moldau::protocol {
namespace {

constexpr std::array<std::string_view, 5> codec_names{"none", "gzip", "snappy", "lz4", "zstd"};

std::unique_ptr<Decoder> decoder_for(Codec codec) {
    switch (codec) {
        case Codec::none:
            break;
        case Codec::gzip:
            return gzip_decoder();
        case Codec::snappy:
            return snappy_decoder();
        case Codec::lz4:
            return lz4_decoder();
        case Codec::zstd:
            return zstd_decoder();
    }
    return nullptr;
}

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
    limit_ = room_ = limit_bytes;
    if (data_.size() > Decompressor::retained_bytes) data_.resize(0);
}

MutableBytes OutputBuffer::space(std::size_t wanted_bytes) {
    if (room_ == 0) return {&beyond_limit_, 1};
    wanted_bytes = std::min(wanted_bytes, room_);
    if (data_.size() - size_ < wanted_bytes)
        data_.resize(std::min(std::max(data_.size() * 2, size_ + wanted_bytes), size_ + room_));
    return {data_.data() + size_, wanted_bytes};
}

std::unexpected<Error> too_much_output(Codec codec, OutputBuffer& output) {
    output.use_up();
    return fail(Errc::invalid, fmt::format("{} data decompresses to more than the limit of {} bytes; send smaller "
                                           "batches",
                                           to_string(codec), output.limit_bytes()));
}

std::unexpected<Error> damaged_input(Codec codec, std::string_view what) {
    return fail(Errc::invalid, fmt::format("{} data cannot be decompressed: {}", to_string(codec), what));
}

std::size_t Decompressor::output_bytes() const {
    return codec_ == Codec::none ? 0 : output_->limit_bytes() - output_->room_bytes();
}

Decompressor::Decompressor(std::size_t piece_bytes) : output_(std::make_unique<OutputBuffer>(piece_bytes)) {}
Decompressor::~Decompressor() = default;
Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor& Decompressor::operator=(Decompressor&&) noexcept = default;

void Decompressor::start(Codec codec, ByteView input, std::size_t max_output_bytes) {
    output_->start(max_output_bytes);
    codec_ = codec;
    uncompressed_ = {};
    has_more_ = codec != Codec::none;
    if (codec == Codec::none) {
        uncompressed_ = input;
        return;
    }
    auto& decoder = decoders_[static_cast<std::size_t>(codec)];
    if (decoder == nullptr) decoder = decoder_for(codec);
    decoder->start(input);
}

Result<ByteView> Decompressor::next() {
    if (codec_ == Codec::none) {
        if (uncompressed_.size() > output_->limit_bytes()) return too_much_output(codec_, *output_);
        return std::exchange(uncompressed_, {});
    }
    output_->clear();
    while (has_more_ && output_->bytes().empty()) MOLDAU_CHECK(step());
    return output_->bytes();
}

Result<ByteView> Decompressor::decompress(Codec codec, ByteView input, std::size_t max_output_bytes) {
    start(codec, input, max_output_bytes);
    if (codec == Codec::none) return next();
    while (has_more_) MOLDAU_CHECK(step());
    return output_->bytes();
}

Result<void> Decompressor::step() {
    MOLDAU_TRY(more, decoders_[static_cast<std::size_t>(codec_)]->read(*output_));
    has_more_ = more;
    return {};
}

std::size_t Decompressor::held_bytes() const {
    return output_->held_bytes();
}

void Decompressor::release_excess() {
    start(Codec::none, {}, 0);
    for (auto& decoder : decoders_)
        if (decoder != nullptr && decoder->is_large()) decoder.reset();
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
