"""What the rounds gave: printed row by row, and written as a table into docs/BENCHMARKS.md."""

import statistics
from dataclasses import dataclass

WIDTHS = (40, 12, 14, 9, 8, 10)


@dataclass
class Figure:
    """Of one contestant's rounds of a row. `spread` is a share of the median; `cpu` in seconds per GB, or None."""

    median: float
    spread: float
    cpu: float

    @classmethod
    def of(cls, rounds):
        """`rounds`: a list of (value, CPU seconds per GB or None)."""
        values = [value for value, _ in rounds]
        cpus = [cpu for _, cpu in rounds if cpu is not None]
        median = statistics.median(values)
        return cls(median, (max(values) - min(values)) / median if median else 0, statistics.median(cpus) if cpus else None)

    def told(self, unit):
        digits = 0 if self.median >= 100 else 2 if self.median >= 1 else 3
        return f"{self.median:,.{digits}f} {unit.split()[-1]}"

    def told_cpu(self):
        return "" if self.cpu is None else f"{self.cpu:.2f}"


class Table:
    def __init__(self):
        self.rows = []
        self._line("", "", "median", "ratio", "spread", "CPU s/GB")

    def _line(self, *cells):
        print("  ".join(str(cell).ljust(width) if i < 2 else str(cell).rjust(width)
                        for i, (cell, width) in enumerate(zip(cells, WIDTHS))).rstrip(), flush=True)

    def row(self, name, unit, results):
        """`results`: contestant's name to the rounds of Figure.of."""
        figures = {contestant: Figure.of(rounds) for contestant, rounds in results.items()}
        self.rows.append((name, unit, figures))
        for contestant, figure in figures.items():
            self._line(name, contestant, figure.told(unit), ratio(figure, figures.get("kafka")), f"{100 * figure.spread:.0f} %", figure.told_cpu())
            name = ""

    def write(self, document, section):
        """Puts itself between the section's two comments in the document, which are there."""
        begin, end = (f"<!-- {which} of the {section} table, written by ./dev bench -->\n" for which in ("begin", "end"))
        text = document.read_text()
        before, _, rest = text.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"{document} has no place for the {section} table: {begin.strip()}")
        document.write_text(before + begin + markdown(self.rows) + end + after)


def ratio(figure, reference):
    if not figure or not reference or not reference.median:
        return ""
    of = figure.median / reference.median
    return f"{of:.{3 if of < 0.1 else 2}f}×"


def markdown(rows):
    lines = ["| work | Kafka | with fsync | Moldau | to Kafka | to Kafka with fsync | spread, Kafka | Moldau | CPU s/GB, Kafka | Moldau |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for name, unit, figures in rows:
        kafka, synced, ours = (figures.get(contestant) for contestant in ("kafka", "kafka-fsync", "moldau"))
        cells = [name, *(figure.told(unit) if figure else "" for figure in (kafka, synced, ours)), ratio(ours, kafka), ratio(ours, synced),
                 *(f"{100 * figure.spread:.0f} %" if figure else "" for figure in (kafka, ours)),
                 *(figure.told_cpu() if figure else "" for figure in (kafka, ours))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
