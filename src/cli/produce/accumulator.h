#pragma once
// Records on their way into batches: one open batch a partition, closed when it is full or has waited long enough, and
// then compressed. Pure: the caller brings the time. Owned by a Producer.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include <moldau/protocol/batch_builder.h>
#include <moldau/runtime/time.h>

namespace moldau::cli {

/// A closed batch, as it is sent, any number of times.
struct Batch {
    std::int32_t partition = 0;
    std::uint64_t number = 0;  ///< rises with each batch of the producer
    Bytes bytes;
    std::int32_t records = 0;
    runtime::TimePoint deadline = runtime::never;  ///< of its delivery
};

struct AccumulatorOptions {
    protocol::Codec codec = protocol::Codec::none;
    std::size_t batch_size_bytes = std::size_t{512} << 10;
    runtime::Duration linger{0};
    runtime::Duration delivery_timeout = std::chrono::seconds(120);
    ProducerId producer_id = no_producer_id;  ///< set: batches carry sequences
    ProducerEpoch producer_epoch = no_producer_epoch;
};

class Accumulator {
 public:
    /// `on_closed` takes each closed batch.
    Accumulator(AccumulatorOptions options, std::function<void(Batch)> on_closed)
        : options_(options), on_closed_(std::move(on_closed)) {}

    void add(std::int32_t partition, const protocol::RecordToWrite& record, runtime::TimePoint now);

    /// Closes what has waited as long as it may.
    void close_due(runtime::TimePoint now);
    void close_all();

    /// When close_due() will have something to close; `never` when nothing is open.
    runtime::TimePoint next_due() const;
    /// In open batches, before compression.
    std::size_t open_bytes() const { return open_bytes_; }

 private:
    struct Open {
        protocol::BatchBuilder builder;
        runtime::TimePoint since;
    };
    using Opened = std::map<std::int32_t, Open>;

    Opened::iterator open(std::int32_t partition, runtime::TimePoint now);
    Opened::iterator close(Opened::iterator at);

    AccumulatorOptions options_;
    std::function<void(Batch)> on_closed_;
    Opened open_;
    std::map<std::int32_t, std::int32_t> next_sequences_;  // by partition
    protocol::Compressor compressor_;
    std::size_t open_bytes_ = 0;  // the sum of open_'s sizes
    std::uint64_t next_number_ = 0;
};

}  // namespace moldau::cli
