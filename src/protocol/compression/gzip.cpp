#include <moldau/base/assert.h>

#include "compression/codecs.h"

namespace moldau::protocol {
namespace {

constexpr int gzip_window_bits = 15 + 16;  // 16 asks zlib for gzip's header and trailer
constexpr int smallest_level = 1;
constexpr int largest_gzip_level = 9;

void free_inflater(z_stream* stream) {
    inflateEnd(stream);
    delete stream;
}

z_stream& started_inflater(DecompressionContexts& contexts) {
    if (contexts.gzip == nullptr) {
        contexts.gzip = {new z_stream{}, free_inflater};
        MOLDAU_ASSERT(inflateInit2(contexts.gzip.get(), gzip_window_bits) == Z_OK);
    } else {
        MOLDAU_ASSERT(inflateReset(contexts.gzip.get()) == Z_OK);
    }
    return *contexts.gzip;
}

// What follows a member and is not another one is padding, as gzip and Java treat it.
bool starts_member(const z_stream& stream) {
    return stream.avail_in >= 2 && stream.next_in[0] == 0x1f && stream.next_in[1] == 0x8b;
}

}  // namespace

Result<void> decompress_gzip(DecompressionContexts& contexts, ByteView input, OutputBuffer& output) {
    z_stream& stream = started_inflater(contexts);
    stream.next_in = const_cast<std::uint8_t*>(input.data());
    stream.avail_in = static_cast<unsigned>(input.size());
    while (true) {
        // One byte beyond the limit tells output that fills it exactly from output that exceeds it.
        std::uint8_t beyond = 0;
        const MutableBytes space = output.space();
        stream.next_out = space.empty() ? &beyond : space.data();
        const unsigned available = space.empty() ? 1U : static_cast<unsigned>(space.size());
        stream.avail_out = available;
        const int status = inflate(&stream, Z_NO_FLUSH);
        const unsigned produced = available - stream.avail_out;
        if (space.empty() && produced > 0) return too_much_output(Codec::gzip, output);
        output.commit(produced);
        if (status == Z_STREAM_END) {
            if (!starts_member(stream)) return {};
            MOLDAU_ASSERT(inflateReset(&stream) == Z_OK);
        } else if (status == Z_BUF_ERROR || (status == Z_OK && stream.avail_in == 0 && stream.avail_out > 0)) {
            return damaged_input(Codec::gzip, "it ends in the middle of a member");
        } else if (status != Z_OK) {
            return damaged_input(Codec::gzip, stream.msg != nullptr ? stream.msg : "not a gzip stream");
        }
    }
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
