#pragma once
// Records: the field of a message that carries record batches. It is null, bytes at hand, or external: bytes that the
// writer of the answer puts between the pieces of the encoded message, slices of files for instance (Writer::splices).
// Lifetime as for Blob (text.h).

#include <cstddef>
#include <cstdint>

#include <moldau/base/assert.h>
#include <moldau/base/bytes.h>
#include <moldau/protocol/text.h>

namespace moldau::protocol {

class Records {
 public:
    /// Null.
    Records() = default;
    static Records borrow(ByteView bytes) { return Records(Blob::borrow(bytes)); }
    static Records own(const Bytes& bytes) { return Records(Blob(bytes)); }
    /// `id` is the caller's own name for what belongs there; the Writer hands it back.
    static Records external(std::uint32_t id, std::size_t size_bytes) {
        Records result;
        result.kind_ = Kind::external;
        result.external_id_ = id;
        result.external_size_bytes_ = size_bytes;
        return result;
    }

    bool is_null() const { return kind_ == Kind::null; }
    bool is_external() const { return kind_ == Kind::external; }
    std::size_t size_bytes() const { return is_external() ? external_size_bytes_ : bytes_.size(); }

    /// Empty when null. Requires: not external.
    ByteView view() const {
        MOLDAU_ASSERT(!is_external());
        return bytes_.view();
    }
    /// Requires: external.
    std::uint32_t external_id() const {
        MOLDAU_ASSERT(is_external());
        return external_id_;
    }

    bool operator==(const Records&) const = default;

 private:
    enum class Kind : std::uint8_t { null, bytes, external };

    explicit Records(Blob bytes) : bytes_(std::move(bytes)), kind_(Kind::bytes) {}

    Blob bytes_;
    std::size_t external_size_bytes_ = 0;
    std::uint32_t external_id_ = 0;
    Kind kind_ = Kind::null;
};

}  // namespace moldau::protocol
