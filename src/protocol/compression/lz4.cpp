#include <utility>

#include <moldau/base/assert.h>

#include "compression/codecs.h"

namespace moldau::protocol {
namespace {

// Java's clients read frames of independent blocks without a dictionary, and nothing else.
constexpr std::size_t smallest_frame_header = 7;
constexpr std::uint32_t frame_magic = 0x184d2204;
constexpr std::size_t flags_position = 4;
constexpr std::size_t block_size_position = 5;
constexpr std::uint8_t independent_blocks = 0x20;
constexpr std::uint8_t reserved_or_dictionary = 0x03;

// Kafka's scale goes from 1 to 17, and its default, 9, stands for the fast compressor.
constexpr int fast_level = 9;
constexpr int largest_lz4_level = 12;

Result<void> check_header(ByteView input) {
    if (input.size() < smallest_frame_header) return damaged_input(Codec::lz4, "it ends in the frame's header");
    if (std::byteswap(load_big_endian<std::uint32_t>(input.data())) != frame_magic)
        return damaged_input(Codec::lz4, "it does not start with a frame");
    if ((input[flags_position] & independent_blocks) == 0)
        return damaged_input(Codec::lz4, "its blocks depend on each other, which consumers cannot read");
    if ((input[flags_position] & reserved_or_dictionary) != 0)
        return damaged_input(Codec::lz4, "its frame needs a dictionary, which consumers do not have");
    return {};
}

// The largest block of a frame whose header was checked: 64 KiB, 256 KiB, 1 MiB or 4 MiB.
std::size_t block_bytes_of(ByteView input) {
    return std::size_t{1} << (8 + 2 * (input[block_size_position] >> 4 & 0x07));
}

class Lz4Decoder final : public Decoder {
 public:
    Lz4Decoder() {
        LZ4F_dctx* created = nullptr;
        MOLDAU_ASSERT(LZ4F_isError(LZ4F_createDecompressionContext(&created, LZ4F_VERSION)) == 0);
        context_.reset(created);
    }

    void start(ByteView input) override {
        LZ4F_resetDecompressionContext(context_.get());
        input_ = input;
        begun_ = false;
    }

    Result<bool> read(OutputBuffer& output) override {
        if (!std::exchange(begun_, true)) {
            MOLDAU_CHECK(check_header(input_));
            largest_block_bytes_ = std::max(largest_block_bytes_, block_bytes_of(input_));
        }
        const MutableBytes space = output.space();
        std::size_t produced = space.size();
        std::size_t consumed = input_.size();
        const std::size_t hint =
            LZ4F_decompress(context_.get(), space.data(), &produced, input_.data(), &consumed, nullptr);
        if (LZ4F_isError(hint) != 0) return damaged_input(Codec::lz4, LZ4F_getErrorName(hint));
        if (!output.commit(produced)) return too_much_output(Codec::lz4, output);
        input_ = input_.subspan(consumed);
        if (hint == 0) return false;  // bytes after the frame are ignored, as Java's clients do
        if (produced == 0 && consumed == 0) return damaged_input(Codec::lz4, "it ends in the middle of a frame");
        return true;
    }

    // The context holds a block as it came and another one as it is.
    bool is_large() const override { return 2 * largest_block_bytes_ > Decompressor::retained_bytes; }

 private:
    struct Free {
        void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
    };

    std::unique_ptr<LZ4F_dctx, Free> context_;
    ByteView input_;
    bool begun_ = false;
    std::size_t largest_block_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Decoder> lz4_decoder() {
    return std::make_unique<Lz4Decoder>();
}

void compress_lz4(CompressionContexts& contexts, ByteView input, Bytes& out, std::optional<int> level) {
    if (contexts.lz4 == nullptr) {
        LZ4F_cctx* created = nullptr;
        MOLDAU_ASSERT(LZ4F_isError(LZ4F_createCompressionContext(&created, LZ4F_VERSION)) == 0);
        contexts.lz4 = {created, LZ4F_freeCompressionContext};
    }
    LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
    preferences.frameInfo.blockSizeID = LZ4F_max64KB;
    preferences.frameInfo.blockMode = LZ4F_blockIndependent;
    preferences.compressionLevel =
        level.value_or(fast_level) == fast_level ? 0 : std::clamp(*level, 1, largest_lz4_level);
    const std::size_t start = out.size();
    out.resize(start + LZ4F_compressFrameBound(input.size(), &preferences));
    const std::size_t written = LZ4F_compressFrame_usingCDict(
        contexts.lz4.get(), out.data() + start, out.size() - start, input.data(), input.size(), nullptr, &preferences);
    MOLDAU_ASSERT(LZ4F_isError(written) == 0);
    out.resize(start + written);
}

}  // namespace moldau::protocol
