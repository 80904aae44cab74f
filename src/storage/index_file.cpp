#include "index_file.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <moldau/base/assert.h>
#include <moldau/base/buffer.h>

namespace moldau::storage {
namespace {

/// Of a search's first read, the second, and those behind it. A copy costs less than a further read.
constexpr std::array<std::size_t, 3> block_bytes{4UL << 10, 64UL << 10, 256UL << 10};

}  // namespace

void IndexFile::start_empty() {
    bytes_.clear();
    count_ = written_ = 0;
    cut_ = true;
    in_memory_ = true;
    first_key_.reset();
    last_key_.reset();
}

Result<> IndexFile::adopt(std::uint64_t size_bytes) {
    if (size_bytes % entry_size_ != 0)
        return fail(Errc::corrupt, fmt::format("{} has {} bytes, no multiple of {}", path_, size_bytes, entry_size_));
    count_ = written_ = size_bytes / entry_size_;
    in_memory_ = false;
    first_key_.reset();
    last_key_.reset();
    return {};
}

Result<> IndexFile::load() {
    start_empty();
    auto content = runtime::read_whole(disk_, path_);
    if (!content && content.error().code == Errc::not_found) return {};
    if (!content) return std::unexpected(std::move(content).error());
    bytes_ = std::move(*content);
    count_ = written_ = bytes_.size() / entry_size_;
    cut_ = bytes_.size() % entry_size_ != 0;
    bytes_.resize(count_ * entry_size_);
    return {};
}

std::uint8_t* IndexFile::append() {
    MOLDAU_ASSERT(in_memory_);
    bytes_.resize(bytes_.size() + entry_size_);
    return bytes_.data() + count_++ * entry_size_;
}

void IndexFile::truncate(std::size_t count) {
    MOLDAU_ASSERT(in_memory_ && count <= count_);
    if (count < written_) {
        written_ = count;
        cut_ = true;
    }
    count_ = count;
    bytes_.resize(count_ * entry_size_);
}

Result<> IndexFile::write_pending() {
    MOLDAU_ASSERT(in_memory_);
    if (written_ == count_ && !cut_) return {};
    // One descriptor for a partition is its log's; writing behind is rare enough to open anew.
    release();
    MOLDAU_TRY(file, disk_.open(path_, runtime::OpenMode::create));
    const std::uint64_t at = written_ * entry_size_;
    if (cut_) MOLDAU_CHECK(file->truncate(at));
    cut_ = false;
    if (written_ < count_) {
        const ByteView parts[] = {ByteView(bytes_).subspan(at)};
        if (auto written = file->write_at(parts, at); !written) {
            cut_ = true;
            return written;
        }
    }
    written_ = count_;
    return {};
}

void IndexFile::seal() {
    MOLDAU_ASSERT(!in_memory_ || (written_ == count_ && !cut_));
    in_memory_ = false;
    remember_edges(0, bytes_.size() / entry_size_, bytes_.data());
    Bytes().swap(bytes_);
}

Result<bool> IndexFile::floor(std::int64_t target, std::uint8_t* entry) {
    if (!in_memory_) return search_file(target, entry);
    const std::size_t inside = slots_up_to(bytes_.data(), count_, target);
    if (inside == 0) return false;
    std::memcpy(entry, at(inside - 1), entry_size_);
    return true;
}

std::size_t IndexFile::slots_up_to(const std::uint8_t* entries, std::size_t count, std::int64_t target) const {
    std::size_t low = 0;
    std::size_t high = count;
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (key_of_(entries + middle * entry_size_) <= target) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

Result<bool> IndexFile::last(std::uint8_t* entry) {
    if (count_ == 0) return false;
    MOLDAU_CHECK(read(count_ - 1, entry));
    return true;
}

Result<> IndexFile::read(std::size_t slot, std::uint8_t* entry) {
    if (!in_memory_) return read_slots(slot, 1, entry);
    std::memcpy(entry, at(slot), entry_size_);
    return {};
}

Result<> IndexFile::read_slots(std::size_t first, std::size_t count, std::uint8_t* into) {
    MOLDAU_TRY(file, file_.get_or_open(disk_, path_, runtime::OpenMode::read));
    const std::size_t size = count * entry_size_;
    MOLDAU_TRY(read, file->read_at({into, size}, first * entry_size_));
    if (read != size)
        return fail(Errc::corrupt, fmt::format("{} ends at {} bytes, {} were there when the log was opened", path_,
                                               first * entry_size_ + read, count_ * entry_size_));
    remember_edges(first, count, into);
    return {};
}

void IndexFile::remember_edges(std::size_t first, std::size_t count, const std::uint8_t* entries) {
    if (count == 0) return;
    if (first == 0) first_key_ = key_of_(entries);
    if (first + count == count_) last_key_ = key_of_(entries + (count - 1) * entry_size_);
}

// Keys grow almost evenly with the slots, so that interpolation between the first and the last finds the block at the
// first or second guess; every other step halves the range and blocks become larger, which bounds the search where they
// do not.
Result<bool> IndexFile::search_file(std::int64_t target, std::uint8_t* entry) {
    if (count_ == 0) return false;
    Buffer block;
    std::size_t low = 0;        // slots before it have keys ≤ target
    std::size_t high = count_;  // slots from it on have keys > target
    double low_key = 0;
    double high_key = 0;
    bool low_known = false;
    bool high_known = false;
    bool found = false;
    if (first_key_) {
        if (target < *first_key_) return false;
        low_key = static_cast<double>(*first_key_);
        low_known = true;
    }
    if (last_key_ && target < *last_key_) {
        high = count_ - 1;
        high_key = static_cast<double>(*last_key_);
        high_known = true;
    }
    for (std::size_t step = 0; low < high; ++step) {
        const std::size_t range = high - low;
        std::size_t guess = low + range / 2;
        if (!low_known) {
            guess = low;
        } else if (!high_known) {
            guess = high - 1;
        } else if (step % 2 == 0 && high_key > low_key) {
            const double part = (static_cast<double>(target) - low_key) / (high_key - low_key);
            guess = low + static_cast<std::size_t>(std::clamp(part, 0.0, 1.0) * static_cast<double>(range - 1));
        }
        const std::size_t slots = std::min(block_bytes[std::min(step, block_bytes.size() - 1)] / entry_size_, range);
        if (block.size() < slots * entry_size_) block = Buffer(slots * entry_size_);
        const std::size_t first = std::clamp(guess > slots / 2 ? guess - slots / 2 : std::size_t{0}, low, high - slots);
        MOLDAU_CHECK(read_slots(first, slots, block.data()));
        const std::size_t inside = slots_up_to(block.data(), slots, target);
        if (inside > 0) {
            std::memcpy(entry, block.data() + (inside - 1) * entry_size_, entry_size_);
            found = true;
            low = first + inside;
            low_key = static_cast<double>(key_of_(entry));
            low_known = true;
        } else if (first == 0) {
            return false;
        }
        if (inside < slots) {
            high = first + inside;
            high_key = static_cast<double>(key_of_(block.data() + inside * entry_size_));
            high_known = true;
            if (inside > 0) break;
        }
    }
    return found;
}

}  // namespace moldau::storage
