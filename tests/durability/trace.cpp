#include "trace.h"

#include <array>

namespace moldau::durability {
namespace {

/// op, makes, then four numbers of eight bytes and the sizes of the three parts that follow.
constexpr std::size_t header_bytes = 2 + 4 * 8 + 3 * 4;

}  // namespace

Bytes encode(const Call& call) {
    Bytes out(header_bytes);
    std::uint8_t* at = out.data();
    *at++ = static_cast<std::uint8_t>(call.op);
    *at++ = call.makes ? 1 : 0;
    for (const std::uint64_t number : {call.at_ns, call.file, call.sync, call.position}) {
        store_big_endian(at, number);
        at += 8;
    }
    const std::array<ByteView, 3> parts = {bytes_of(call.path), bytes_of(call.other_path), call.bytes};
    for (const ByteView part : parts) {
        store_big_endian(at, static_cast<std::uint32_t>(part.size()));
        at += 4;
    }
    for (const ByteView part : parts) out.insert(out.end(), part.begin(), part.end());
    return out;
}

Result<Call> take_call(ByteView& trace) {
    if (trace.size() < header_bytes) return fail(Errc::corrupt, "the trace ends within a call");
    const std::uint8_t* at = trace.data();
    Call call{.op = static_cast<Op>(at[0]), .makes = at[1] != 0};
    at += 2;
    for (std::uint64_t* number : {&call.at_ns, &call.file, &call.sync, &call.position}) {
        *number = load_big_endian<std::uint64_t>(at);
        at += 8;
    }
    std::array<std::size_t, 3> sizes{};
    std::size_t total = header_bytes;
    for (std::size_t& size : sizes) {
        size = load_big_endian<std::uint32_t>(at);
        at += 4;
        total += size;
    }
    if (trace.size() < total) return fail(Errc::corrupt, "the trace ends within a call");
    trace = trace.subspan(header_bytes);
    const auto take = [&trace](std::size_t size) {
        const ByteView part = trace.first(size);
        trace = trace.subspan(size);
        return part;
    };
    call.path = text_of(take(sizes[0]));
    call.other_path = text_of(take(sizes[1]));
    const ByteView bytes = take(sizes[2]);
    call.bytes.assign(bytes.begin(), bytes.end());
    return call;
}

}  // namespace moldau::durability
