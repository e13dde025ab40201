"""All judges that the settings name."""

from monitor.scoring.constitution.load import load
from monitor.scoring.judge.judge import Judge
from monitor.scoring.judge.settings import JudgingSettings


def judges_of(judging: JudgingSettings) -> tuple[Judge, ...]:
    """Make the judges, in the settings' order; without endpoints no constitution is read.

    Raises:
        ConfigError: the constitution cannot be read, or an endpoint names a dimension that it does not have.
    """
    if not judging.endpoints:
        return ()
    constitution = load(judging.constitution)
    return tuple(Judge.of(endpoint, constitution) for endpoint in judging.endpoints)
