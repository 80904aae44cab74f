#!/usr/bin/env python3
"""A group of sarama's consumers."""

import group_scenario
import interop


class Sarama(group_scenario.GroupScenario):
    client = "sarama"
    lacks = ("committed",)


if __name__ == "__main__":
    interop.main()
