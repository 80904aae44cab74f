#pragma once
// A queue in one block of memory, which costs nothing while it is empty (std::deque keeps half a KiB).

#include <cstddef>
#include <utility>
#include <vector>

namespace moldau::net {

template <class T>
class Fifo {
 public:
    bool empty() const { return head_ == items_.size(); }
    std::size_t size() const { return items_.size() - head_; }
    T& front() { return items_[head_]; }
    T& back() { return items_.back(); }
    const T& back() const { return items_.back(); }
    T& operator[](std::size_t index) { return items_[head_ + index]; }
    const T& operator[](std::size_t index) const { return items_[head_ + index]; }

    void push(T item) {
        // Used-up room is given back before more is taken, half at a time, so that an item moves at most twice.
        if (items_.size() == items_.capacity() && head_ > 0 && head_ >= items_.size() / 2) {
            items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
            head_ = 0;
        }
        items_.push_back(std::move(item));
    }

    T pop() {
        T item = std::move(items_[head_++]);
        if (empty()) clear();
        return item;
    }

    void clear() {
        items_.clear();
        if (items_.capacity() > kept_items) items_ = std::vector<T>();
        head_ = 0;
    }

 private:
    static constexpr std::size_t kept_items = 8;

    std::vector<T> items_;
    std::size_t head_ = 0;  // items before it are gone
};

}  // namespace moldau::net
