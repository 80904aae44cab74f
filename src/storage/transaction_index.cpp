#include "transaction_index.h"

#include <array>

namespace moldau::storage {
namespace {

constexpr std::size_t last_offset_position = 18;

}  // namespace

Result<> append_aborted_transaction(runtime::Disk& disk, const std::string& path,
                                    const CompletedTransaction& transaction) {
    std::array<std::uint8_t, aborted_transaction_bytes> entry{};
    store_big_endian(entry.data() + 2, transaction.producer_id.value());
    store_big_endian(entry.data() + 10, transaction.first_offset.value());
    store_big_endian(entry.data() + last_offset_position, transaction.last_offset.value());
    store_big_endian(entry.data() + 26, transaction.last_stable_offset.value());
    MOLDAU_TRY(file, disk.open(path, runtime::OpenMode::create));
    MOLDAU_TRY(size, file->size());
    const ByteView parts[] = {entry};
    return file->write_at(parts, size - size % aborted_transaction_bytes);
}

Result<> truncate_aborted_transactions(runtime::Disk& disk, const std::string& path, Offset end) {
    auto content = runtime::read_whole(disk, path);
    if (!content && content.error().code == Errc::not_found) return {};
    if (!content) return std::unexpected(std::move(content).error());
    std::size_t keep = 0;
    while (keep + aborted_transaction_bytes <= content->size() &&
           load_big_endian<std::int64_t>(content->data() + keep + last_offset_position) < end.value())
        keep += aborted_transaction_bytes;
    if (keep == content->size()) return {};
    MOLDAU_TRY(file, disk.open(path, runtime::OpenMode::read_write));
    MOLDAU_CHECK(file->truncate(keep));
    return file->sync();
}

}  // namespace moldau::storage
