#!/usr/bin/env python3
"""Writes the golden encodings and batches as first inputs of the fuzz targets: seeds.py <corpus directory>."""

import gzip
import pathlib
import sys

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"


def encodings():
    """(name, version, encoding) of every golden message."""
    for path in sorted(GOLDEN.glob("messages_*.txt.gz")):
        for line in gzip.open(path, "rt"):
            name, version, _, encoding, _ = line.split(" ", 4)
            if encoding != "-":
                yield name, int(version), bytes.fromhex(encoding)


def write_all(directory, inputs):
    directory.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(inputs):
        (directory / f"golden-{number}").write_bytes(content)


def main():
    corpus = pathlib.Path(sys.argv[1])
    messages = list(encodings())
    names = sorted({name for name, _, _ in messages})
    lowest = {name: min(version for other, version, _ in messages if other == name) for name in names}
    write_all(corpus / "decoders_fuzz", (names.index(name).to_bytes(2, "big") + bytes([version - lowest[name]]) + encoding
                                         for name, version, encoding in messages))
    batches = [path.read_bytes() for path in sorted((GOLDEN / "batches" / "data").glob("*.bin"))]
    write_all(corpus / "batch_fuzz", (bytes([choices]) + batch for batch in batches for choices in (0x01, 0x21, 0x41)))


if __name__ == "__main__":
    main()
