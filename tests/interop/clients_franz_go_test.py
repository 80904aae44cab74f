#!/usr/bin/env python3
"""A group of franz-go's consumers."""

import group_scenario
import interop


class FranzGo(group_scenario.GroupScenario):
    client = "franz-go"


if __name__ == "__main__":
    interop.main()
