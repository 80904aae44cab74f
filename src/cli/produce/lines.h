#pragma once
// From the bytes of standard input to lines, and from a line to a record. Pure.

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/base/bytes.h>
#include <moldau/base/result.h>
#include <moldau/protocol/record.h>

#include "plans.h"

namespace moldau::cli {

/// Cuts a stream at line feeds, wherever its chunks end. Keeps the beginning of a line until its end comes.
class LineSplitter {
 public:
    /// Calls `on_line(std::string_view)` for each line that ends in `chunk`; the view is valid during the call.
    template <class OnLine>
    void feed(std::string_view chunk, OnLine on_line) {
        while (true) {
            const void* found = chunk.empty() ? nullptr : std::memchr(chunk.data(), '\n', chunk.size());
            if (found == nullptr) break;
            const auto length = static_cast<std::size_t>(static_cast<const char*>(found) - chunk.data());
            if (kept_.empty()) {
                on_line(chunk.substr(0, length));
            } else {
                kept_.append(chunk.substr(0, length));
                on_line(std::string_view(kept_));
                kept_.clear();
            }
            chunk.remove_prefix(length + 1);
        }
        kept_.append(chunk);
    }

    /// The last line, where it has no line feed.
    template <class OnLine>
    void finish(OnLine on_line) {
        if (!kept_.empty()) on_line(std::string_view(kept_));
        kept_.clear();
    }

    std::size_t kept_bytes() const { return kept_.size(); }

 private:
    std::string kept_;
};

/// A record whose parts borrow from a line and from the LineParser.
struct LineRecord {
    std::optional<ByteView> key;
    std::optional<ByteView> value;
    std::vector<protocol::HeaderView> headers;
};

/// headers <header separator> key <key separator> value
class LineParser {
 public:
    /// `format` outlives the parser.
    explicit LineParser(const Produce& format) : format_(format) {}

    /// Fills `record`, whose memory is used again. Errc::invalid when a separator or a '=' is missing.
    Result<> parse(std::string_view line, LineRecord& record) const;

 private:
    std::optional<ByteView> null_or(std::string_view text) const;
    Result<> parse_headers(std::string_view text, LineRecord& record) const;

    const Produce& format_;
};

}  // namespace moldau::cli
