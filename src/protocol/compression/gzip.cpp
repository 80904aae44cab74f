#include <moldau/base/assert.h>

#include "compression/codecs.h"

namespace moldau::protocol {
namespace {

constexpr int gzip_window_bits = 15 + 16;  // 16 asks zlib for gzip's header and trailer
constexpr int smallest_level = 1;
constexpr int largest_gzip_level = 9;

class GzipDecoder final : public Decoder {
 public:
    GzipDecoder() { MOLDAU_ASSERT(inflateInit2(&stream_, gzip_window_bits) == Z_OK); }
    ~GzipDecoder() override { inflateEnd(&stream_); }
    GzipDecoder(const GzipDecoder&) = delete;
    GzipDecoder& operator=(const GzipDecoder&) = delete;

    void start(ByteView input) override {
        MOLDAU_ASSERT(inflateReset(&stream_) == Z_OK);
        stream_.next_in = const_cast<std::uint8_t*>(input.data());
        stream_.avail_in = static_cast<unsigned>(input.size());
    }

    Result<bool> read(OutputBuffer& output) override {
        const MutableBytes space = output.space();
        stream_.next_out = space.data();
        stream_.avail_out = static_cast<unsigned>(space.size());
        const int status = inflate(&stream_, Z_NO_FLUSH);
        if (!output.commit(space.size() - stream_.avail_out)) return too_much_output(Codec::gzip, output);
        if (status == Z_STREAM_END) {
            if (!starts_member()) return false;
            MOLDAU_ASSERT(inflateReset(&stream_) == Z_OK);
        } else if (status == Z_BUF_ERROR || (status == Z_OK && stream_.avail_in == 0 && stream_.avail_out > 0)) {
            return damaged_input(Codec::gzip, "it ends in the middle of a member");
        } else if (status != Z_OK) {
            return damaged_input(Codec::gzip, stream_.msg != nullptr ? stream_.msg : "not a gzip stream");
        }
        return true;
    }

 private:
    // What follows a member and is not another one is padding, as gzip and Java treat it.
    bool starts_member() const {
        return stream_.avail_in >= 2 && stream_.next_in[0] == 0x1f && stream_.next_in[1] == 0x8b;
    }

    z_stream stream_{};
};

}  // namespace

std::unique_ptr<Decoder> gzip_decoder() {
    return std::make_unique<GzipDecoder>();
}

void compress_gzip(ByteView input, Bytes& out, std::optional<int> level) {
    z_stream stream{};
    const int chosen = level ? std::clamp(*level, smallest_level, largest_gzip_level) : Z_DEFAULT_COMPRESSION;
    MOLDAU_ASSERT(deflateInit2(&stream, chosen, Z_DEFLATED, gzip_window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    const std::size_t start = out.size();
    out.resize(start + deflateBound(&stream, input.size()));
    stream.next_in = const_cast<std::uint8_t*>(input.data());
    stream.avail_in = static_cast<unsigned>(input.size());
    stream.next_out = out.data() + start;
    stream.avail_out = static_cast<unsigned>(out.size() - start);
    MOLDAU_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(out.size() - stream.avail_out);
    deflateEnd(&stream);
}

}  // namespace moldau::protocol
