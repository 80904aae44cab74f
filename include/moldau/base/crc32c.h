#pragma once
// CRC-32C (Castagnoli), the checksum of record batches v2 and of producer snapshots.

#include <cstdint>

#include <moldau/base/bytes.h>

namespace moldau {

/// Extends `crc`, the checksum of the bytes before, by `bytes`. Start with 0.
std::uint32_t crc32c(ByteView bytes, std::uint32_t crc = 0);

/// The same without the processor's instructions, for tests and other processors.
std::uint32_t crc32c_portable(ByteView bytes, std::uint32_t crc = 0);

}  // namespace moldau
