"""`train` and `evaluate`: the heads' weights and their figures, from the labelled data."""

from pathlib import Path
from typing import Annotated, Any

import typer

from monitor.cli_shared import Json

CACHE = Path.home() / ".cache" / "alignment-monitor" / "embeddings"

BY_ITEMS = ("refusal", "sycophancy", "request_harm", "complied_with_harm", "hedging", "tone")
"""Dimensions that have parallel items."""

Data = Annotated[Path, typer.Option(help="Folder of the labelled public data.")]
Cache = Annotated[Path, typer.Option(help="Folder that keeps the embeddings of training texts.")]
Seed = Annotated[int, typer.Option(help="Seed of the generated rows and of the networks.")]


def train(
    head: Annotated[str, typer.Argument(help="The head to train.", show_default=False)],
    *,
    data: Data,
    out: Annotated[Path | None, typer.Option(help="Write the weights here; the package's own by default.")] = None,
    card: Annotated[Path | None, typer.Option(help="Write the model card here (Markdown).")] = None,
    cache: Cache = CACHE,
    seed: Seed = 7,
) -> None:
    """Train a head: writes its weights and, if asked, its model card; the same data and seed give the same bytes."""
    from monitor.output import print_json, say
    from monitor.scoring.classifiers.weights import load
    from monitor.train.card import card as written
    from monitor.train.heads import WEIGHTS, trainable

    chosen = trainable(head)
    path = out or WEIGHTS / f"{head}.safetensors"
    figures = chosen.train(data, path, cache=cache, seed=seed)
    say(f"weights written to {path}")
    if card is not None:
        card.parent.mkdir(parents=True, exist_ok=True)
        card.write_text(written(head, chosen, load(path), figures, seed=seed), encoding="utf-8")
        say(f"model card written to {card}")
    print_json(figures)


def evaluate(
    *,
    data: Data,
    head: Annotated[list[str] | None, typer.Option(help="Only this head; may be repeated.")] = None,
    cache: Cache = CACHE,
    as_json: Json = False,
) -> None:
    """Measure the heads on sources that they were trained without."""
    from monitor.output import print_json, say, stdout
    from monitor.scoring.registry import for_dimensions
    from monitor.train.heads import HEADS, trainable
    from monitor.train.parity import figures

    found: dict[str, Any] = {}
    for name in head or HEADS:
        say(f"{name} ...")
        found[name] = trainable(name).evaluate(data, cache=cache)
    say("parallel items in English and Turkish ...")
    found["parallel"] = figures(for_dimensions(BY_ITEMS))
    if as_json:
        print_json(found)
        return
    for name, one in found.items():
        stdout().print(f"{name}\n{_lines(one)}", markup=False)


def _lines(figures: dict[str, Any], indent: str = "  ") -> str:
    return "\n".join(
        f"{indent}{key}\n{_lines(value, indent + '  ')}" if isinstance(value, dict) else f"{indent}{key:<24} {value}"
        for key, value in figures.items()
    )
