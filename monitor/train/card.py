"""Writes a model card: what a head is, its data, figures, calibration, known failures (Mitchell et al. 2019)."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monitor.scoring.classifiers.weights import Weights
from monitor.train.heads import Trainable

BAR = 40


def card(name: str, head: Trainable, weights: Weights, figures: Mapping[str, Any], *, seed: int) -> str:
    """Give the card as Markdown; everything but the commit follows from the arguments."""
    facts = weights.facts
    size = sum(array.nbytes for array in weights.arrays.values())
    lines = [
        f"# Model card: {name}",
        "",
        head.what,
        "",
        f"- Labels: {', '.join(facts.labels)}",
        f"- Encoder (frozen): `{facts.embedder}`",
        f"- Weights: sha256 `{weights.digest}`, {size / 1e6:.2f} MB",
        f"- Code {facts.code_version}, seed {seed}, commit {_commit()}",
        f"- Data: {head.data}",
        f"- Licences: {head.licences}",
        f"- Written by `alignment-monitor train {name}`; the figures by `alignment-monitor evaluate --head {name}`.",
        "",
        "## Figures",
        "",
        *_section(figures),
        "## Known failures",
        "",
        *(f"- {failure}" for failure in head.failures),
        "",
    ]
    return "\n".join(lines)


def _section(figures: Mapping[str, Any], depth: int = 3) -> list[str]:
    plain = {key: value for key, value in figures.items() if not isinstance(value, dict | list)}
    lines = [f"- {_words(key)}: {_number(value)}" for key, value in plain.items()]
    lines += [""] if lines else []
    for key, value in figures.items():
        if key == "reliability":
            lines += _plot(value)
        elif isinstance(value, dict):
            lines += [f"{'#' * depth} {_words(key)}", ""]
            lines += [*_table(value), ""] if _is_table(value) else _section(value, depth + 1)
    return lines


def _is_table(rows: Mapping[str, Any]) -> bool:
    """Whether each value is a row of plain values."""
    inner = list(rows.values())
    return bool(inner) and all(
        isinstance(row, dict) and not any(isinstance(cell, dict | list) for cell in row.values()) for row in inner
    )


def _table(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    return [
        f"| set | {' | '.join(map(_words, columns))} |",
        f"|---|{'---|' * len(columns)}",
        *(f"| {name} | {' | '.join(_number(row.get(column)) for column in columns)} |" for name, row in rows.items()),
    ]


def _plot(bars: list[tuple[float, float, int]]) -> list[str]:
    """Draw said against was: a filled bar to what was, a mark at what was said."""
    lines = ["### Calibration", "", "Said (|) against what was (#), on sources left out.", "", "```"]
    for said, was, n in bars:
        bar = ["#" if place < round(was * BAR) else "." for place in range(BAR + 1)]
        bar[round(said * BAR)] = "|"
        lines.append(f"said {said:.2f}  was {was:.2f}  {''.join(bar)}  n = {n}")
    return [*lines, "```", ""]


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _commit() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"
    asked = [git, "-C", str(Path(__file__).parent), "rev-parse", "--short=12", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    return done.stdout.strip() or "unknown"
