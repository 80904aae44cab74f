#pragma once
// Owned bytes that are not zeroed when they are made: for frames, which are filled by the next read anyway.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <span>
#include <utility>

#include <moldau/base/assert.h>
#include <moldau/base/bytes.h>

namespace moldau {

/// Moves; does not copy. Freed wherever it is destroyed.
class Buffer {
 public:
    Buffer() = default;
    /// `size` bytes of no particular value.
    explicit Buffer(std::size_t size) { resize(size); }
    explicit Buffer(ByteView content) : Buffer(content.size()) {
        if (!content.empty()) std::memcpy(data_, content.data(), content.size());
    }
    Buffer(Buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~Buffer() { std::free(data_); }

    std::uint8_t* data() { return data_; }
    const std::uint8_t* data() const { return data_; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    operator ByteView() const { return {data_, size_}; }  // NOLINT(google-explicit-constructor): as a vector converts
    MutableBytes bytes() { return {data_, size_}; }
    ByteView view() const { return {data_, size_}; }

    /// Keeps the first bytes; new ones have no particular value. Large buffers grow without a copy where the system can
    /// move their pages.
    void resize(std::size_t size) {
        if (size == 0) {
            std::free(std::exchange(data_, nullptr));
        } else {
            auto* const data = static_cast<std::uint8_t*>(std::realloc(data_, size));
            if (data == nullptr) throw std::bad_alloc();
            data_ = data;
        }
        size_ = size;
    }

 private:
    std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace moldau
