#include <moldau/base/assert.h>

#include "compression/codecs.h"

namespace moldau::protocol {
namespace {

constexpr std::size_t max_kept_context_bytes = 16UL << 20;

class ZstdDecoder final : public Decoder {
 public:
    ZstdDecoder() : context_(ZSTD_createDCtx()) { MOLDAU_ASSERT(context_ != nullptr); }

    void start(ByteView input) override {
        ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
        input_ = {input.data(), input.size(), 0};
    }

    Result<bool> read(OutputBuffer& output) override {
        if (input_.size == 0) return damaged_input(Codec::zstd, "it is empty");
        const MutableBytes space = output.space();
        ZSTD_outBuffer out{space.data(), space.size(), 0};
        const std::size_t before = input_.pos;
        const std::size_t hint = ZSTD_decompressStream(context_.get(), &out, &input_);
        if (ZSTD_isError(hint) != 0) return damaged_input(Codec::zstd, ZSTD_getErrorName(hint));
        if (!output.commit(out.pos)) return too_much_output(Codec::zstd, output);
        if (hint == 0 && input_.pos == input_.size) return false;
        if (out.pos == 0 && input_.pos == before) return damaged_input(Codec::zstd, "it ends in the middle of a frame");
        return true;
    }

    // A frame with a large window leaves a large context behind.
    bool is_large() const override { return ZSTD_sizeof_DCtx(context_.get()) > Decompressor::retained_bytes; }

 private:
    struct Free {
        void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
    };

    std::unique_ptr<ZSTD_DCtx, Free> context_;
    ZSTD_inBuffer input_{};
};

}  // namespace

std::unique_ptr<Decoder> zstd_decoder() {
    return std::make_unique<ZstdDecoder>();
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
