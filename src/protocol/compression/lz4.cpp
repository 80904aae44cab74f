#include <moldau/base/assert.h>

#include "compression/codecs.h"

namespace moldau::protocol {
namespace {

// Java's clients read frames of independent blocks without a dictionary, and nothing else.
constexpr std::size_t smallest_frame_header = 7;
constexpr std::uint32_t frame_magic = 0x184d2204;
constexpr std::size_t flags_position = 4;
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

LZ4F_dctx& started_decoder(DecompressionContexts& contexts) {
    if (contexts.lz4 == nullptr) {
        LZ4F_dctx* created = nullptr;
        MOLDAU_ASSERT(LZ4F_isError(LZ4F_createDecompressionContext(&created, LZ4F_VERSION)) == 0);
        contexts.lz4 = {created, LZ4F_freeDecompressionContext};
    } else {
        LZ4F_resetDecompressionContext(contexts.lz4.get());
    }
    return *contexts.lz4;
}

}  // namespace

Result<void> decompress_lz4(DecompressionContexts& contexts, ByteView input, OutputBuffer& output) {
    MOLDAU_CHECK(check_header(input));
    LZ4F_dctx& decoder = started_decoder(contexts);
    while (true) {
        std::uint8_t beyond = 0;  // see decompress_gzip
        const MutableBytes space = output.space(64UL << 10);
        std::size_t produced = space.empty() ? 1 : space.size();
        std::size_t consumed = input.size();
        const std::size_t hint = LZ4F_decompress(&decoder, space.empty() ? &beyond : space.data(), &produced,
                                                 input.data(), &consumed, nullptr);
        if (LZ4F_isError(hint) != 0) return damaged_input(Codec::lz4, LZ4F_getErrorName(hint));
        if (space.empty() && produced > 0) return too_much_output(Codec::lz4, output);
        output.commit(produced);
        input = input.subspan(consumed);
        if (hint == 0) return {};  // bytes after the frame are ignored, as Java's clients do
        if (produced == 0 && consumed == 0) return damaged_input(Codec::lz4, "it ends in the middle of a frame");
    }
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
