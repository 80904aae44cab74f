#include <moldau/base/assert.h>

#include "compression/codecs.h"

namespace moldau::protocol {
namespace {

constexpr std::size_t max_kept_context_bytes = 16UL << 20;

ZSTD_DCtx& started_decoder(DecompressionContexts& contexts) {
    if (contexts.zstd == nullptr) contexts.zstd = {ZSTD_createDCtx(), ZSTD_freeDCtx};
    MOLDAU_ASSERT(contexts.zstd != nullptr);
    ZSTD_DCtx_reset(contexts.zstd.get(), ZSTD_reset_session_only);
    return *contexts.zstd;
}

}  // namespace

Result<void> decompress_zstd(DecompressionContexts& contexts, ByteView input, OutputBuffer& output) {
    if (input.empty()) return damaged_input(Codec::zstd, "it is empty");
    ZSTD_DCtx& decoder = started_decoder(contexts);
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    while (true) {
        std::uint8_t beyond = 0;  // see decompress_gzip
        const MutableBytes space = output.space(64UL << 10);
        ZSTD_outBuffer out{space.empty() ? &beyond : space.data(), space.empty() ? 1 : space.size(), 0};
        const std::size_t before = in.pos;
        const std::size_t hint = ZSTD_decompressStream(&decoder, &out, &in);
        if (ZSTD_isError(hint) != 0) return damaged_input(Codec::zstd, ZSTD_getErrorName(hint));
        if (space.empty() && out.pos > 0) return too_much_output(Codec::zstd, output);
        output.commit(out.pos);
        if (hint == 0 && in.pos == in.size) return {};
        if (out.pos == 0 && in.pos == before) return damaged_input(Codec::zstd, "it ends in the middle of a frame");
    }
}

void compress_zstd(CompressionContexts& contexts, ByteView input, Bytes& out, std::optional<int> level) {
    if (contexts.zstd == nullptr) contexts.zstd = {ZSTD_createCCtx(), ZSTD_freeCCtx};
    MOLDAU_ASSERT(contexts.zstd != nullptr);
    const int chosen = std::clamp(level.value_or(ZSTD_CLEVEL_DEFAULT), ZSTD_minCLevel(), ZSTD_maxCLevel());
    const std::size_t start = out.size();
    out.resize(start + ZSTD_compressBound(input.size()));
    const std::size_t written = ZSTD_compressCCtx(contexts.zstd.get(), out.data() + start, out.size() - start,
                                                  input.data(), input.size(), chosen);
    MOLDAU_ASSERT(ZSTD_isError(written) == 0);
    out.resize(start + written);
    // The highest levels take hundreds of megabytes, for large inputs.
    if (ZSTD_sizeof_CCtx(contexts.zstd.get()) > max_kept_context_bytes) contexts.zstd.reset();
}

}  // namespace moldau::protocol
