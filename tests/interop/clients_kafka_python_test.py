#!/usr/bin/env python3
"""A group of kafka-python's consumers."""

import group_scenario
import interop


class KafkaPython(group_scenario.GroupScenario):
    client = "kafka-python"


if __name__ == "__main__":
    interop.main()
