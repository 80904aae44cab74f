#!/usr/bin/env python3
"""A group of aiokafka's consumers."""

import group_scenario
import interop


class Aiokafka(group_scenario.GroupScenario):
    client = "aiokafka"
    lacks = ("delete-group",)


if __name__ == "__main__":
    interop.main()
