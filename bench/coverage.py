"""`python -m bench.coverage [--short] [--repeats N]`: does the 95 % interval of the three-phase estimate hold 95 %?

Draws windows of a made-up world (`bench.coverage_world`) whose true rate is known, over a grid of rates, judges,
classifiers and numbers of labels, and counts how often the interval contains the truth. Prints a line a cell, draws
a plot, and prints one JSON object as the last line. Seeds are fixed: the same version gives the same figures.
"""

import argparse
import itertools
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.coverage_plot import plot
from bench.coverage_world import Case, Classifier, draw
from monitor.estimate.phases import phase_rate
from monitor.estimate.terms import Target

RATES = (0.005, 0.02, 0.1, 0.5)
JUDGES = ((0.7, 0.7), (0.7, 0.99), (0.99, 0.7), (0.99, 0.99))
"""Sensitivity and specificity."""
LABELS = (0, 50, 300)
CLASSIFIERS: tuple[Classifier, ...] = ("good", "weak", "useless", "inverted")
AIM = (0.94, 0.975)
SEED = 20_240_601


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """What one cell of the grid gave."""

    rate: float
    sensitivity: float
    specificity: float
    labels: int
    classifier: Classifier
    coverage: float
    above: float
    """Share of intervals that lie above the truth."""
    below: float
    """Share of intervals that lie below it."""
    length: float
    """Mean length of the interval."""
    normal_length: float
    """3.92 standard deviations of the estimate over the draws: what normal theory would need."""
    bias_error: float
    """Mean error of the estimate, in standard errors of that mean."""


def grid() -> tuple[Case, ...]:
    """Give every cell of the full grid."""
    return tuple(
        Case(rate=rate, sensitivity=judge[0], specificity=judge[1], labels=labels, classifier=classifier)
        for labels, rate, judge, classifier in itertools.product(LABELS, RATES, JUDGES, CLASSIFIERS)
    )


def short_grid() -> tuple[Case, ...]:
    """Give some cells that stand for the grid, the hard ones among them."""
    picked = (
        (0, 0.005, (0.7, 0.99), "good"),
        (0, 0.1, (0.99, 0.7), "inverted"),
        (50, 0.02, (0.99, 0.7), "weak"),
        (50, 0.5, (0.99, 0.99), "inverted"),
        (300, 0.1, (0.7, 0.99), "useless"),
        (300, 0.5, (0.7, 0.7), "good"),
    )
    return tuple(
        Case(rate=rate, sensitivity=judge[0], specificity=judge[1], labels=labels, classifier=classifier)  # type: ignore[arg-type]
        for labels, rate, judge, classifier in picked
    )


def measure(case: Case, repeats: int, *, target: Target = "process", confidence: float = 0.95) -> Cell:
    """Draw `repeats` windows of one case and count."""
    # Seeded by what the case is, so that a cell gives the same in any grid.
    key = [SEED, round(case.rate * 1e4), round(case.sensitivity * 1e4), round(case.specificity * 1e4), case.labels]
    rng = np.random.default_rng([*key, CLASSIFIERS.index(case.classifier)])
    above = below = 0
    lengths, rates = np.empty(repeats), np.empty(repeats)
    for n in range(repeats):
        found = phase_rate(*draw(case, rng), confidence=confidence, target=target)
        above += found.low > case.truth
        below += found.high < case.truth
        lengths[n] = found.high - found.low
        rates[n] = math.nan if found.rate is None else found.rate
    spread = float(np.nanstd(rates))
    return Cell(
        rate=case.rate,
        sensitivity=case.sensitivity,
        specificity=case.specificity,
        labels=case.labels,
        classifier=case.classifier,
        coverage=1.0 - (above + below) / repeats,
        above=above / repeats,
        below=below / repeats,
        length=round(float(lengths.mean()), 5),
        normal_length=round(3.92 * spread, 5),
        bias_error=round(float(np.nanmean(rates) - case.truth) / (spread / math.sqrt(repeats)), 2) if spread else 0.0,
    )


def tolerance(repeats: int, coverage: float, cells: int = 1) -> float:
    """Give how far a simulated coverage may lie from the true one: the binomial error at 1 in 100 over all `cells`."""
    z = math.sqrt(2.0 * math.log(2.0 * cells / 0.01))
    return z * math.sqrt(coverage * (1.0 - coverage) / repeats)


def run(cases: Sequence[Case], repeats: int) -> Iterator[Cell]:
    """Measure cell by cell."""
    for case in cases:
        yield measure(case, repeats)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the simulation; 0 whatever it finds, since the figures are what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.coverage", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few cells instead of the grid (about a minute)")
    parser.add_argument("--repeats", type=int, metavar="N", help="windows a cell (default 1000, short 300)")
    parser.add_argument("--plot", type=Path, default=Path("var/coverage.svg"), metavar="PATH", help="where to draw")
    options = parser.parse_args(arguments)
    repeats = options.repeats or (300 if options.short else 1000)
    if repeats < 2:
        parser.error("--repeats must be 2 or more")
    start = time.monotonic()
    cells: list[Cell] = []
    for cell in run(short_grid() if options.short else grid(), repeats):
        cells.append(cell)
        print(
            f"labels {cell.labels:3d}  rate {cell.rate:5.3f}  judge {cell.sensitivity:.2f}/{cell.specificity:.2f}  "
            f"{cell.classifier:8s}  coverage {cell.coverage:.3f} (above {cell.above:.3f}, below {cell.below:.3f})  "
            f"length {cell.length:.4f} (normal {cell.normal_length:.4f})",
            file=sys.stderr,
            flush=True,
        )
    options.plot.parent.mkdir(parents=True, exist_ok=True)
    options.plot.write_text(plot(cells, aim=AIM, repeats=repeats), encoding="utf-8")
    print(json.dumps(summary(cells, repeats) | {"plot": str(options.plot), "took_s": round(time.monotonic() - start)}))
    return 0


def summary(cells: Sequence[Cell], repeats: int) -> dict[str, object]:
    """Give the JSON object; cells outside the aim by more than chance are counted, and named by why."""
    slack = tolerance(repeats, AIM[0], len(cells))
    over = [cell for cell in cells if cell.coverage > AIM[1]]
    return {
        "min_coverage": min(cell.coverage for cell in cells),
        "max_coverage": max(cell.coverage for cell in cells),
        "cells": len(cells),
        "repeats": repeats,
        "error_95": round(1.96 * math.sqrt(0.95 * 0.05 / repeats), 4),
        "below_aim": sum(cell.coverage < AIM[0] for cell in cells),
        "below_aim_beyond_chance": sum(cell.coverage < AIM[0] - slack for cell in cells),
        "above_aim": len(over),
        "above_aim_labels": {str(n): sum(cell.labels == n for cell in over) for n in LABELS},
        "mean_length_over_normal": {
            str(n): round(float(np.mean([c.length / c.normal_length for c in cells if c.labels == n])), 3)
            for n in LABELS
            if any(cell.labels == n for cell in cells)
        },
        "grid": [asdict(cell) for cell in cells],
    }


if __name__ == "__main__":
    sys.exit(main())
