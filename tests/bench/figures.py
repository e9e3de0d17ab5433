"""What the rounds gave: for each figure what was measured and its reference, as ratios with their spread."""

import statistics
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Goal:
    """What the ratio, or with `of_value` the figure itself, is to be."""

    least: float | None = None
    most: float | None = None
    of_value: bool = False

    def met(self, value):
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self):
        if self.of_value and self.most == 0:
            return "0"
        return f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}"


@dataclass
class Figure:
    row: str
    transport: str
    title: str
    unit: str
    goal: Goal | None = None
    names: tuple = ("luna", "nginx")
    measured: list = field(default_factory=list)  # one for each round
    reference: list = field(default_factory=list)

    def ratios(self):
        """Of each round; a round whose reference lies in the noise (0 or below) has none."""
        pairs = zip(self.measured, self.reference, strict=True)
        return [measured / reference for measured, reference in pairs if reference > 0]

    def summary(self):
        ratios = self.ratios()
        ratio = statistics.median(ratios) if ratios else None
        met = None
        if self.goal and (self.goal.of_value or ratio is not None):
            met = all(map(self.goal.met, self.measured)) if self.goal.of_value else self.goal.met(ratio)
        return {
            "row": self.row,
            "transport": self.transport,
            "title": self.title,
            "unit": self.unit,
            self.names[0]: statistics.median(self.measured),
            self.names[1]: statistics.median(self.reference),
            "ratio": ratio,
            "ratio_min": min(ratios, default=None),
            "ratio_max": max(ratios, default=None),
            "goal": str(self.goal) if self.goal else None,
            "met": met,
            "rounds": {self.names[0]: self.measured, self.names[1]: self.reference},
        }


class Figures:
    def __init__(self):
        self._figures = {}

    def add(self, row, transport, title, unit, values, goal=None):
        """`values`: {name of what was measured: value, name of its reference: value}."""
        figure = self._figures.setdefault(
            (row, transport, title), Figure(row, transport, title, unit, goal, tuple(values))
        )
        for name, one in zip(values, (figure.measured, figure.reference), strict=True):
            one.append(round(values[name], 4))
        assert tuple(values) == figure.names

    def summaries(self):
        return [figure.summary() for figure in self._figures.values()]
