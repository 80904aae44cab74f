#!/usr/bin/env python3
"""A group of KafkaJS's consumers."""

import group_scenario
import interop


class KafkaJs(group_scenario.GroupScenario):
    client = "kafkajs"


if __name__ == "__main__":
    interop.main()
