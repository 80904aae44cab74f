#!/usr/bin/env python3
"""A group of a current librdkafka's consumers, as its Python package brings it."""

import group_scenario
import interop


class Librdkafka(group_scenario.GroupScenario):
    client = "librdkafka"


if __name__ == "__main__":
    interop.main()
