#!/usr/bin/env python3
"""Checks every #include of src/ and include/ against include_edges.txt, and that clocks, threads and random devices
stay in runtime and posix."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
EVERYWHERE = {"fmt"}
C_SYSTEM = re.compile(r"^(sys|netinet|arpa|linux)/|^(fcntl|unistd|poll|signal|pthread|dirent|csignal)\.?h?$")
CLOCKED = {"base", "runtime", "posix", "app", "cli"}  # may include <thread>, <random>; none but posix reads a clock
FORBIDDEN_STD = {"thread", "random", "mutex", "condition_variable", "future"}
CLOCK_USE = re.compile(r"\b(steady_clock|system_clock|high_resolution_clock|random_device)\b")


def edges():
    table = {}
    for line in (ROOT / "tests/unit/include_edges.txt").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        module, rest = line.split(":", 1)
        modules, third = rest.split("|")
        table[module.strip()] = (set(modules.split()), set(third.split()))
    return table


def module_of(path):
    parts = path.relative_to(ROOT).parts
    return parts[2] if parts[0] == "include" else parts[1]


def is_core(path):
    return "core" in path.parts or path.stem.endswith("_core")


def problems_of(path, table):
    module = module_of(path)
    if module == "pch":
        return
    if module not in table:
        yield f"module '{module}' is not in include_edges.txt"
        return
    modules, third = table[module]
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if CLOCK_USE.search(line) and module not in ("posix",):
            yield f"{number}: a clock or random device outside posix: {line.strip()}"
        quoted = re.match(r'\s*#include\s*"([^"]+)"', line)
        if quoted and ".." in quoted.group(1).split("/") and module_of((path.parent / quoted.group(1)).resolve()) != module:
            yield f"{number}: leaves its module: {line.strip()}"
        match = re.match(r"\s*#include\s*<([^>]+)>", line)
        if not match:
            continue
        header = match.group(1)
        if header.startswith("moldau/"):
            target = header.split("/")[1]
            if target == "runtime" and is_core(path) and header != "moldau/runtime/time.h":
                yield f"{number}: a pure core includes <{header}>"
            if target != module and target not in modules:
                yield f"{number}: {module} may not include {target} (<{header}>)"
            continue
        if header in FORBIDDEN_STD and module not in CLOCKED:
            yield f"{number}: <{header}> belongs to runtime and posix"
        top = header.split("/")[0]
        foreign = "/" in header or C_SYSTEM.match(header) or header.endswith(".h")
        if not foreign or top in EVERYWHERE:
            continue
        if header.startswith("x86intrin") or header.endswith("intrin.h"):
            continue
        if not any(header == name or header.startswith(name + "/") or header.startswith(name + ".hpp") for name in third):
            yield f"{number}: {module} may not include <{header}>"


def main():
    table = edges()
    files = sorted(p for top in ("src", "include") for p in (ROOT / top).rglob("*") if p.suffix in (".h", ".cpp"))
    assert len(files) > 20, "the sources were not found"
    found = [f"{p.relative_to(ROOT)}:{problem}" for p in files for problem in problems_of(p, table)]
    too_long = [f"{p.relative_to(ROOT)}: {n} lines; 800 are the most" for p in files
                if (n := len(p.read_text().splitlines())) > 800]
    for line in found + too_long:
        print(line)
    print(f"{len(files)} files, {len(found) + len(too_long)} problems")
    return 1 if found or too_long else 0


sys.exit(main())
