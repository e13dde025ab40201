"""A panel: judges whose stored verdicts are put together into one, by a rule; no call, money or tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from monitor.errors import ConfigError
from monitor.scoring.judge import panel_vote
from monitor.scoring.judge.judge import Judge
from monitor.scoring.judge.settings import PanelSettings
from monitor.scoring.verdict import ScorerIdentity


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """One panel with its members; each of them is asked about each of its dimensions."""

    settings: PanelSettings
    members: tuple[Judge, ...]
    dimensions: tuple[str, ...]

    @classmethod
    def of(cls, settings: PanelSettings, judges: Sequence[Judge]) -> Self:
        """Put a panel together; `judges` must hold its members.

        Raises:
            ConfigError: it names a dimension that not all of its members are asked about, or there is none.
        """
        by_name = {one.endpoint.name: one for one in judges}
        members = tuple(by_name[name] for name in settings.judges)
        asked = [{one.dimension for one in judge.identities} for judge in members]
        for judge, theirs in zip(members, asked, strict=True):
            unknown = [one for one in settings.dimensions if one not in theirs]
            if unknown:
                raise ConfigError(
                    f"panel {settings.name}: judge {judge.endpoint.name} is not asked about {', '.join(unknown)}, "
                    f"only about {', '.join(sorted(theirs)) or 'nothing'}"
                )
        shared = set[str].intersection(*asked)
        if not shared:
            raise ConfigError(f"panel {settings.name}: no dimension is asked of all of {', '.join(settings.judges)}")
        wanted = settings.dimensions or sorted(shared)
        return cls(settings=settings, members=members, dimensions=tuple(dict.fromkeys(wanted)))

    @property
    def name(self) -> str:
        """The name of its scorers, and of its decisions in `selections`."""
        return f"panel-{self.settings.name}"

    @cached_property
    def by_dimension(self) -> Mapping[str, ScorerIdentity]:
        """Give who scores, by dimension: another rubric, model or setting of a member makes another panel."""
        return {
            dimension: ScorerIdentity(
                kind="judge",
                name=self.name,
                dimension=dimension,
                code_version=panel_vote.VERSION,
                parameters={
                    "rule": self.settings.rule,
                    # Sorted: in what order members are named changes nothing.
                    "members": sorted(i for i, seat in self.seats.items() if seat.dimension == dimension),
                },
            )
            for dimension in self.dimensions
        }

    @cached_property
    def seats(self) -> Mapping[str, ScorerIdentity]:
        """Give the members' scorers on the panel's dimensions, as they are now, by id."""
        return {
            one.id: one for judge in self.members for one in judge.identities if one.dimension in set(self.dimensions)
        }

    @property
    def identities(self) -> tuple[ScorerIdentity, ...]:
        """Give all its scorers, one a dimension."""
        return tuple(self.by_dimension.values())
