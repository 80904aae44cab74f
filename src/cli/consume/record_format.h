#pragma once
// How a consumed record is printed: by a format string, or as JSON. Pure. Owned by the consume command.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/base/result.h>
#include <moldau/protocol/record.h>

#include "output/json.h"

namespace moldau::cli {

/// A record with where it stands. Borrows.
struct PrintedRecord {
    std::string_view topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::int64_t timestamp_ms = -1;
    const protocol::RecordView* record = nullptr;
};

class RecordFormat {
 public:
    /// See `moldau consume --help` for the directives. Errc::invalid names the one that there is not.
    static Result<RecordFormat> parse(std::string_view format, std::string null_text);
    static RecordFormat json_lines();

    /// Appends the record to `out`.
    void print(const PrintedRecord& record, std::string& out);

 private:
    enum class Field { literal, key, value, key_size, value_size, headers, topic, partition, offset, timestamp };
    struct Piece {
        Field field = Field::literal;
        std::string literal;
    };

    void print_piece(const Piece& piece, const PrintedRecord& record, std::string& out) const;
    void print_bytes(const std::optional<ByteView>& bytes, std::string& out) const;
    void print_json(const PrintedRecord& record, std::string& out);

    std::vector<Piece> pieces_;
    std::string null_text_;
    bool is_json_ = false;
    Json json_;
};

}  // namespace moldau::cli
