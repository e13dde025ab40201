"""Who gives verdicts on a dimension, by the settings: what draws for people and plans of labels are made for."""

from monitor.config import Settings
from monitor.errors import InputError
from monitor.report.labels_file import shown
from monitor.report.phase_frame import Sources
from monitor.scoring.judge.configured import judges_of, panels_of
from monitor.scoring.registry import enabled_scorers


def sources(settings: Settings, dimension: str, judge: str = "") -> Sources:
    """Find who gives verdicts on a dimension by the settings: a panel before a judge, else the one that is named.

    Raises:
        InputError: no judge or panel of that name gives verdicts on the dimension.
        ConfigError: the judges cannot be made.
    """
    classifiers = [one.identity for one in enabled_scorers(settings.scoring.scorers)]
    judges = judges_of(settings.judging)
    panels = panels_of(settings.judging, judges)
    there = [
        (names, identity)
        for names, identities in (
            *(({one.name, one.settings.name}, one.identities) for one in panels),
            *(({one.name, one.endpoint.name}, one.identities) for one in judges),
        )
        for identity in identities
        if identity.dimension == dimension and (not judge or judge in names)
    ]
    if judge and not there:
        raise InputError(f"no judge or panel {shown(judge)} gives verdicts on {dimension}; see docs/judges.md")
    chosen = there[0][1] if there else None
    return Sources(
        dimension=dimension,
        classifier=next((one.id for one in classifiers if one.dimension == dimension), ""),
        judge=chosen.name if chosen else "",
        scorer=chosen.id if chosen else "",
    )
