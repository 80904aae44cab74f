#pragma once
// Text and Blob: strings and bytes of messages, which borrow from where they lie or own a copy.
//
// Lifetime: decoding borrows. What a decoded message holds points into its frame and is valid only as long as the frame
// stays where it is; whoever keeps a value longer takes a copy (`str()`, `owned()`). Copies of a borrowing value borrow
// the same bytes; copies of an owning one own. Not tied to a shard.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <moldau/base/bytes.h>

namespace moldau::protocol {

/// The longest string of a message: its length is a 16-bit number where it is not a varint.
inline constexpr std::size_t max_text_bytes = 0x7fff;

/// What Text and Blob share: a range of bytes, owned or not, of at most 4 GiB. 16 bytes.
class BorrowedOrOwned {
 public:
    BorrowedOrOwned() = default;
    BorrowedOrOwned(const BorrowedOrOwned& other) { other.owned_ ? own(other.bytes()) : borrow(other.bytes()); }
    BorrowedOrOwned(BorrowedOrOwned&& other) noexcept : data_(other.data_), size_(other.size_), owned_(other.owned_) {
        other.forget();
    }
    BorrowedOrOwned& operator=(const BorrowedOrOwned& other) {
        if (this != &other) *this = BorrowedOrOwned(other);
        return *this;
    }
    BorrowedOrOwned& operator=(BorrowedOrOwned&& other) noexcept {
        if (this != &other) {
            release();
            data_ = other.data_;
            size_ = other.size_;
            owned_ = other.owned_;
            other.forget();
        }
        return *this;
    }
    ~BorrowedOrOwned() { release(); }

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    bool owns() const { return owned_; }

 protected:
    ByteView bytes() const { return {data_, size_}; }
    /// Requires: nothing owned yet.
    void borrow(ByteView bytes) {
        data_ = bytes.data();
        size_ = static_cast<std::uint32_t>(bytes.size());
    }
    void own(ByteView bytes);

 private:
    void release() {
        if (owned_) delete[] data_;
    }
    void forget() {
        data_ = nullptr;
        size_ = 0;
        owned_ = false;
    }

    const std::uint8_t* data_ = nullptr;
    std::uint32_t size_ = 0;
    bool owned_ = false;
};

/// A string. `Text("literal")` borrows, `Text(std::string)` owns a copy, `Text::borrow(view)` borrows and says so.
class Text : public BorrowedOrOwned {
 public:
    Text() = default;
    Text(const std::string& text) { own(bytes_of(text)); }  // NOLINT(google-explicit-constructor)
    /// For literals only: the array must outlive every copy.
    template <std::size_t N>
    Text(const char (&literal)[N]) {  // NOLINT(google-explicit-constructor)
        BorrowedOrOwned::borrow(bytes_of(std::string_view(literal, N - 1)));
    }
    static Text borrow(std::string_view text) {
        Text result;
        result.BorrowedOrOwned::borrow(bytes_of(text));
        return result;
    }

    std::string_view view() const { return text_of(bytes()); }
    operator std::string_view() const { return view(); }  // NOLINT(google-explicit-constructor)
    std::string str() const { return std::string(view()); }
    Text owned() const { return Text(str()); }

    friend bool operator==(const Text& a, const Text& b) { return a.view() == b.view(); }
    friend auto operator<=>(const Text& a, const Text& b) { return a.view() <=> b.view(); }
    friend bool operator==(const Text& a, std::string_view b) { return a.view() == b; }
    friend auto operator<=>(const Text& a, std::string_view b) { return a.view() <=> b; }
    friend bool operator==(const Text& a, const std::string& b) { return a.view() == b; }
    friend bool operator==(const Text& a, const char* b) { return a.view() == b; }
};

/// A message beside an error code: of what a client sent it may quote so much that only its beginning fits.
Text error_text(std::string_view message);

/// Bytes. `Blob(Bytes)` owns a copy, `Blob::borrow(view)` borrows.
class Blob : public BorrowedOrOwned {
 public:
    Blob() = default;
    Blob(const Bytes& bytes) { own(bytes); }  // NOLINT(google-explicit-constructor)
    static Blob borrow(ByteView bytes) {
        Blob result;
        result.BorrowedOrOwned::borrow(bytes);
        return result;
    }

    ByteView view() const { return bytes(); }
    operator ByteView() const { return view(); }  // NOLINT(google-explicit-constructor)
    Bytes copy() const { return Bytes(view().begin(), view().end()); }
    Blob owned() const { return Blob(copy()); }

    friend bool operator==(const Blob& a, const Blob& b) { return text_of(a.view()) == text_of(b.view()); }
    friend auto operator<=>(const Blob& a, const Blob& b) { return text_of(a.view()) <=> text_of(b.view()); }
};

}  // namespace moldau::protocol

template <>
struct std::hash<moldau::protocol::Text> {
    std::size_t operator()(const moldau::protocol::Text& text) const noexcept {
        return std::hash<std::string_view>{}(text.view());
    }
};

template <>
struct std::hash<moldau::protocol::Blob> {
    std::size_t operator()(const moldau::protocol::Blob& blob) const noexcept {
        return std::hash<std::string_view>{}(moldau::text_of(blob.view()));
    }
};

template <>
struct fmt::formatter<moldau::protocol::Text> : fmt::formatter<std::string_view> {
    template <class Context>
    auto format(const moldau::protocol::Text& text, Context& context) const {
        return fmt::formatter<std::string_view>::format(text.view(), context);
    }
};
