#include <array>

#include <snappy.h>

#include <moldau/base/assert.h>

#include "compression/codecs.h"

namespace moldau::protocol {
namespace {

// The chunked form of Java's library: a magic, a version, the oldest version that can read it, then chunks, each a
// big-endian length and a raw snappy block.
constexpr std::array<std::uint8_t, 8> chunked_magic{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};
constexpr std::size_t chunked_header_size = chunked_magic.size() + 8;
constexpr std::int32_t chunked_version = 1;
constexpr std::size_t chunk_input_size = 32UL << 10;

// A copy element of three bytes yields at most 64: what announces more than this per byte is not snappy.
constexpr std::size_t largest_ratio = 22;

bool is_chunked(ByteView input) {
    return input.size() >= chunked_header_size && std::equal(chunked_magic.begin(), chunked_magic.end(), input.begin());
}

Result<void> decompress_block(ByteView block, OutputBuffer& output) {
    const auto* from = reinterpret_cast<const char*>(block.data());
    std::size_t length = 0;
    if (!snappy::GetUncompressedLength(from, block.size(), &length))
        return damaged_input(Codec::snappy, "a block has no length");
    if (length > block.size() * largest_ratio)
        return damaged_input(Codec::snappy, "a block announces more than it can hold");
    if (length > output.room_bytes()) return too_much_output(Codec::snappy, output);
    // At least one byte of space, so that there is an address to write nothing to.
    const MutableBytes space = output.space(std::max<std::size_t>(length, 1));
    if (!snappy::RawUncompress(from, block.size(), reinterpret_cast<char*>(space.data())))
        return damaged_input(Codec::snappy, "a block is damaged");
    MOLDAU_ASSERT(output.commit(length));
    return {};
}

class SnappyDecoder final : public Decoder {
 public:
    void start(ByteView input) override {
        input_ = input;
        chunked_ = is_chunked(input);
    }

    Result<bool> read(OutputBuffer& output) override {
        if (chunked_) return read_chunk(output);
        MOLDAU_CHECK(decompress_block(input_, output));
        return false;
    }

 private:
    Result<bool> read_chunk(OutputBuffer& output) {
        if (input_.empty()) return false;
        if (is_chunked(input_)) {  // also in the middle: streams may be concatenated
            const auto version = load_big_endian<std::int32_t>(input_.data() + chunked_magic.size());
            if (version < chunked_version) return damaged_input(Codec::snappy, "its framing has an unknown version");
            input_ = input_.subspan(chunked_header_size);
            return true;
        }
        if (input_.size() < 4) return damaged_input(Codec::snappy, "it ends in a chunk's length");
        const auto length = load_big_endian<std::uint32_t>(input_.data());
        input_ = input_.subspan(4);
        if (length > input_.size()) return damaged_input(Codec::snappy, "it ends in a chunk");
        MOLDAU_CHECK(decompress_block(input_.first(length), output));
        input_ = input_.subspan(length);
        return true;
    }

    ByteView input_;
    bool chunked_ = false;
};

void append_big_endian(Bytes& out, std::uint32_t value) {
    out.resize(out.size() + 4);
    store_big_endian(out.data() + out.size() - 4, value);
}

}  // namespace

std::unique_ptr<Decoder> snappy_decoder() {
    return std::make_unique<SnappyDecoder>();
}

void compress_snappy(ByteView input, Bytes& out) {
    out.insert(out.end(), chunked_magic.begin(), chunked_magic.end());
    append_big_endian(out, chunked_version);
    append_big_endian(out, chunked_version);
    while (!input.empty()) {
        const ByteView chunk = input.first(std::min(input.size(), chunk_input_size));
        const std::size_t start = out.size();
        out.resize(start + 4 + snappy::MaxCompressedLength(chunk.size()));
        std::size_t written = 0;
        snappy::RawCompress(reinterpret_cast<const char*>(chunk.data()), chunk.size(),
                            reinterpret_cast<char*>(out.data() + start + 4), &written);
        store_big_endian(out.data() + start, static_cast<std::uint32_t>(written));
        out.resize(start + 4 + written);
        input = input.subspan(chunk.size());
    }
}

}  // namespace moldau::protocol
