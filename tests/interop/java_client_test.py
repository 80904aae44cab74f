#!/usr/bin/env python3
"""Apache Kafka's own Java clients at work with the broker."""

import interop
from interop import apache_kafka


class JavaClient(interop.BrokerTest):
    def test_every_codec_plain_and_idempotent(self):
        done = apache_kafka.java("moldau.interop.Client", self.broker.address, timeout_s=180)
        self.assertEqual(done.stdout.count("ok java-"), 10, done.stdout + done.stderr)


if __name__ == "__main__":
    interop.main()
