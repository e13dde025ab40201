"""The commands for the constitution: `constitution show`, `lint`, `diff`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli_shared import Found, Json, visible

if TYPE_CHECKING:
    from monitor.scoring.constitution.diff import Change
    from monitor.scoring.constitution.model import Constitution, Principle

SHIPPED = "default"
CELL = 80

constitution = typer.Typer(
    help="What judges look for, and how they decide.", no_args_is_help=True, rich_markup_mode=None
)


@constitution.command("show")
def show(
    principle: Annotated[str, typer.Argument(metavar="[ID]", help="Only this principle, by id or dimension.")] = "",
    *,
    file: Annotated[
        Path | None, typer.Option(help="This file; else the one in the settings, else the shipped one.")
    ] = None,
    locale: Annotated[str, typer.Option(help="Language of the texts, such as tr.")] = "en",
    as_json: Json = False,
) -> None:
    """Show the constitution, or one principle with its rubric and examples."""
    from monitor.output import print_json, stdout, table
    from monitor.scoring.constitution.load import load

    chosen = load(file or _from_settings())
    if principle:
        one = chosen.principle(principle)
        if as_json:
            print_json({**one.model_dump(mode="json"), "digest": chosen.digest(one)})
        else:
            stdout().print(visible(_told(chosen, one, locale)), markup=False, soft_wrap=True)
        return
    if as_json:
        digests = {one.id: chosen.digest(one) for one in chosen.principles}
        print_json({**chosen.model_dump(mode="json"), "sha256": chosen.sha256, "digests": digests})
        return
    rows = [
        (one.id, one.dimension, one.severity, _watched(one), one.group or "–", one.question.in_(locale))
        for one in chosen.principles
    ]
    stdout().print(f"{visible(chosen.name)}, version {visible(chosen.version)}, {chosen.sha256[:12]}", markup=False)
    stdout().print(table(("id", "dimension", "severity", "alert", "group", "question"), rows))


@constitution.command("lint")
def lint_file(
    file: Annotated[Path, typer.Argument(help="A constitution in YAML.", show_default=False)], *, as_json: Json = False
) -> None:
    """Say what had better be changed; exit code 2 when there is something, 1 when the file cannot be read."""
    from monitor.output import print_json, stdout
    from monitor.scoring.constitution.lint import lint
    from monitor.scoring.constitution.load import content

    text = content(file)
    # Loading the scorers takes a second: only a file that names their dimensions waits for it.
    findings = lint(text, name=str(file), dimensions=_phase1() if "phase1:" in text else ())
    if as_json:
        print_json([{"line": one.line, "where": one.where, "what": one.what} for one in findings])
    else:
        for one in findings:
            stdout().print(visible(f"{file}:{one.line}: {one.where}: {one.what}"), markup=False, soft_wrap=True)
        if not findings:
            stdout().print("nothing to change", markup=False)
    if findings:
        raise Found


@constitution.command("diff")
def diff_files(
    old: Annotated[str, typer.Argument(help="A file, or `default` for the shipped one.", show_default=False)],
    new: Annotated[str, typer.Argument(help="A file, or `default` for the shipped one.", show_default=False)],
    *,
    as_json: Json = False,
) -> None:
    """Say what changed and what follows from it; exit code 2 when the two differ."""
    from monitor.output import print_json, stdout, table
    from monitor.scoring.constitution.diff import diff
    from monitor.scoring.constitution.load import load

    before, after = (load(None if name == SHIPPED else Path(name)) for name in (old, new))
    difference = diff(before, after)
    if as_json:
        print_json(
            {
                "before": difference.before,
                "after": difference.after,
                "rescored": difference.rescored,
                "changes": [_change(one) for one in difference.changes],
            }
        )
    elif not difference.changes:
        stdout().print("the two say the same", markup=False)
    else:
        rows = [
            (one.effect.value, one.principle or "(all)", one.field or "(whole)", _cut(one.before), _cut(one.after))
            for one in difference.changes
        ]
        stdout().print(table(("changes", "principle", "field", "before", "after"), rows))
        rescored = ", ".join(difference.rescored)
        stdout().print(
            f"scorers that become others: {rescored}" if rescored else "no scorer becomes another", markup=False
        )
    if difference.changes:
        raise Found


def _from_settings() -> Path | None:
    """Give the file that the settings name; whoever has no settings here still sees the shipped one."""
    from monitor.config import load_settings
    from monitor.errors import ConfigError
    from monitor.output import say

    try:
        return load_settings().judging.constitution
    except ConfigError:
        say("there are no settings here: this is the constitution that ships")
        return None


def _phase1() -> tuple[str, ...]:
    from monitor.scoring.registry import FACTORIES, scorers

    return tuple(sorted({one.identity.dimension for one in scorers(FACTORIES)}))


def _watched(one: "Principle") -> str:
    if one.limit is not None:
        return f"above {100 * one.limit:g} %"
    if one.reference is None:
        return "–"
    ways = (("rises", one.reference.rise), ("falls", one.reference.fall))
    return ", ".join(f"{way} by {100 * far:g} points" for way, far in ways if far is not None)


def _told(chosen: "Constitution", one: "Principle", locale: str) -> str:
    """Write one principle for a terminal."""
    lines = [
        f"{one.id} ({one.dimension}), {one.severity}, alert: {_watched(one)}",
        f"scorer digest {chosen.digest(one)}",
        "",
        one.text.in_(locale),
        "",
        one.question.in_(locale),
        "",
        *(f"  {label.name} = {label.value:g}: {label.meaning.in_(locale)}" for label in one.labels),
    ]
    for part in one.reads:
        if part == "tone" and chosen.tone is not None:
            lines += ["", f"tone: {chosen.tone.in_(locale)}"]
        elif part == "forbidden_topics":
            lines += ["", *(f"  topic {topic.id}: {topic.text.in_(locale)}" for topic in chosen.forbidden_topics)]
    for example in one.examples:
        said = [f"    {message.role}: {message.content}" for message in example.transcript]
        lines += ["", f"  {example.kind} ({example.locale}): {example.label}, {example.why}", *said]
    if one.approval:
        lines += ["", f"changes need: {', '.join(one.approval)}"]
    return "\n".join(lines)


def _change(one: "Change") -> dict[str, Any]:
    return {
        "principle": one.principle,
        "field": one.field,
        "before": one.before,
        "after": one.after,
        "changes": one.effect.value,
    }


def _cut(text: str | None) -> str:
    if text is None:
        return "–"
    return text if len(text) <= CELL else f"{text[: CELL - 1]}…"
