#include <moldau/base/assert.h>
#include <moldau/protocol/record.h>

#include "batch/cursor.h"
#include "batch/record_grammar.h"

namespace moldau::protocol {
bool HeaderIterator::next(HeaderView& header) {
    if (left_ == 0) return false;
    Cursor cursor{rest_.data(), rest_.data() + rest_.size()};
    ByteView key;
    MOLDAU_ASSERT(read_bytes(cursor, key) && read_nullable(cursor, header.value));
    header.key = text_of(key);
    rest_ = cursor.rest();
    --left_;
    return true;
}

RecordIterator::RecordIterator(ByteView section, std::int32_t count)
    : at_(section.data()), end_(section.data() + section.size()), left_(count) {
    if (count < 0) stop("the record count is negative");
}

bool RecordIterator::stop(std::string_view damage) {
    left_ = 0;
    at_ = end_;
    damage_ = damage;
    return false;
}

bool RecordIterator::next(RecordView& record) {
    if (left_ == 0) {
        if (at_ != end_ && damage_.empty()) return stop("bytes remain after the last record");
        return false;
    }
    Cursor section{at_, end_};
    ByteView body;
    if (!read_bytes(section, body)) return stop("a record's length exceeds the batch");
    Cursor cursor{body.data(), body.data() + body.size()};
    if (const std::string_view damage = read_record(cursor, record); !damage.empty()) return stop(damage);
    at_ = section.at;
    --left_;
    return true;
}

}  // namespace moldau::protocol
