#pragma once
// A shard's tools over a log directory in memory, for tests of partitions.

#include <gtest/gtest.h>

#include <moldau/replication/partition.h>

#include "support/manual_shard.h"
#include "unit/storage/log_fixture.h"

namespace moldau::replication {

class PartitionFixture : public storage::LogTest {
 protected:
    void SetUp() override {
        storage::LogTest::SetUp();
        auto opened = storage::LogDirectory::open(disk, "/data");
        ASSERT_TRUE(opened);
        directory = std::move(*opened);
        tools.directory = directory.get();
    }
    /// Runs what is due, on the shard and on the disk, until nothing is.
    void settle() {
        while (shard.run_ready() || disk.run_blocking_work()) {
        }
    }

    runtime::ManualShard shard;
    PartitionTools tools{disk, shard};
    std::unique_ptr<storage::LogDirectory> directory;
};

}  // namespace moldau::replication
