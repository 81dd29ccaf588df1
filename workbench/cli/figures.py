"""Prints what was measured beside what is aimed at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

NOT_REACHED = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured."""

    name: str
    value: float
    unit: str
    aim: float
    """At most this; 0 where the figure is only told."""
    detail: str = ""

    @property
    def reached(self) -> bool:
        """Whether the figure is what is aimed at."""
        return not self.aim or self.value <= self.aim


def show(subject: str, figures: Sequence[Figure], *, as_json: bool) -> int:
    """Print figures, and return 0 when every one is what is aimed at, else 3."""
    if as_json:
        told = [{**asdict(figure), "reached": figure.reached} for figure in figures]
        print(json.dumps({"subject": subject, "figures": told}, indent=2))
    else:
        for figure in figures:
            aim = f"at most {figure.aim:g}" if figure.aim else ""
            mark = "" if figure.reached else "  MISSED"
            value = f"{figure.value:,.1f} {figure.unit}"
            print(f"{figure.name:<60}{value:>14}  {aim:<14}{mark}  {figure.detail}".rstrip())
    return 0 if all(figure.reached for figure in figures) else NOT_REACHED
