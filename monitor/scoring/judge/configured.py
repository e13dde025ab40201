"""All judges that the settings name, and the panels that they make up."""

from collections.abc import Sequence

from monitor.scoring.constitution.load import load
from monitor.scoring.judge.judge import Judge
from monitor.scoring.judge.panel import Panel
from monitor.scoring.judge.settings import JudgingSettings


def judges_of(judging: JudgingSettings) -> tuple[Judge, ...]:
    """Make the judges, in the settings' order; without endpoints no constitution is read.

    Raises:
        ConfigError: the constitution cannot be read, or an endpoint or a panel names a dimension that it does not have.
    """
    if not judging.endpoints:
        return ()
    constitution = load(judging.constitution)
    judges = tuple(Judge.of(endpoint, constitution) for endpoint in judging.endpoints)
    # A wrong panel is told wherever judges are made, not only where its verdicts are.
    panels_of(judging, judges)
    return judges


def panels_of(judging: JudgingSettings, judges: Sequence[Judge]) -> tuple[Panel, ...]:
    """Make the panels, in the settings' order, of judges from `judges_of`.

    Raises:
        ConfigError: a panel names a dimension that not all of its members are asked about, or there is none.
    """
    return tuple(Panel.of(panel, judges) for panel in judging.panels)
