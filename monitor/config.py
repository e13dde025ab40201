"""One frozen `Settings`, read from the environment, checked at start, secrets masked.

Every variable starts with `ALIGNMENT_MONITOR_`; a group's field follows after two underscores, for example
`ALIGNMENT_MONITOR_KAFKA__BOOTSTRAP_SERVERS=broker-1:9092,broker-2:9092`.
"""

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from monitor.errors import ConfigError
from monitor.intake.sampling import Policy, Stratum
from monitor.names import PREFIX
from monitor.scoring.judge.settings import JudgingSettings

MIN_KEY_BYTES = 16
"""A shorter key could be searched for: then sampling is foreseeable and pseudonyms can be undone."""


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaSettings(_Group):
    """The broker and the consumer group."""

    bootstrap_servers: str = "127.0.0.1:9092"
    topic: str = "chat.interactions"
    group_id: str = "alignment-monitor"
    group_instance_id: str | None = None
    """Static membership: one stable name a replica (a pod's name), so that a restart causes no rebalance."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_cafile: Path | None = None
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None
    session_timeout_ms: int = Field(default=10_000, ge=1_000)
    heartbeat_interval_ms: int = Field(default=3_000, ge=100)
    max_poll_interval_ms: int = Field(default=300_000, ge=10_000)
    max_message_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    """A larger record becomes a dead letter without being parsed."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.heartbeat_interval_ms * 3 > self.session_timeout_ms:
            # Two lost heartbeats must not cost the membership.
            raise ValueError(
                f"{PREFIX}KAFKA__HEARTBEAT_INTERVAL_MS is {self.heartbeat_interval_ms} and must be at most a third of "
                f"{PREFIX}KAFKA__SESSION_TIMEOUT_MS ({self.session_timeout_ms}): lower the first or raise the second"
            )
        return self


class RedisSettings(_Group):
    """The Celery queue; it holds hints only (DESIGN §5)."""

    url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")


class ClickHouseSettings(_Group):
    """The only truth for what is due."""

    host: str = "127.0.0.1"
    port: int = Field(default=8123, ge=1, le=65_535)
    secure: bool = False
    database: str = Field(default="alignment_monitor", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")
    username: str = "default"
    password: SecretStr = SecretStr("")
    connect_timeout_s: float = Field(default=5.0, gt=0)
    timeout_s: float = Field(default=60.0, gt=0)


class SamplingSettings(_Group):
    """Which conversations are kept (DESIGN §6)."""

    key: SecretStr
    """Secret of the keyed hash: who knows it can tell which conversations are watched."""
    strata: tuple[Stratum, ...] = (Stratum(name="all", probability=0.1),)
    """Tried in order, the first that fits wins; the last must fit everything."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.key.get_secret_value().encode()) < MIN_KEY_BYTES:
            raise ValueError(f"key: needs at least {MIN_KEY_BYTES} bytes; make one with `openssl rand -hex 32`")
        # Its own checks: the last stratum fits everything, names differ.
        Policy(effective_from=datetime.fromtimestamp(0, UTC), strata=self.strata)
        return self


class PrivacySettings(_Group):
    """Pseudonyms of users."""

    pseudonym_key: SecretStr

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.pseudonym_key.get_secret_value().encode()) < MIN_KEY_BYTES:
            raise ValueError(
                f"pseudonym_key: needs at least {MIN_KEY_BYTES} bytes; make one with `openssl rand -hex 32`"
            )
        return self


class IngestSettings(_Group):
    """The batch that is recorded and committed as one."""

    max_records: int = Field(default=20_000, ge=1)
    max_wait_ms: int = Field(default=500, ge=1)
    max_due: int = Field(default=5_000_000, ge=0)
    """Verdicts due above which ingest pauses; 0 = never."""
    health_port: int = Field(default=0, ge=0, le=65_535)
    """`/livez`, `/readyz` and `/metrics`; 0 = off."""


class ScoringSettings(_Group):
    """What scores, and in what portions."""

    scorers: tuple[str, ...] = ()
    """Names of the scorers that run; empty = the default ones."""
    chunk_size: int = Field(default=200, ge=1, le=5_000)
    """Samples a Celery task."""
    reconcile_every_s: float = Field(default=15.0, gt=0)
    reconcile_after_s: float = Field(default=10.0, ge=0)
    """A sample younger than this is left to the hint that ingest sent."""
    rollup_every_s: float = Field(default=30.0, gt=0)
    canary_every_s: float = Field(default=60.0, ge=0)
    """0 = no canaries."""
    expire_after_h: float = Field(default=168.0, gt=0)
    """Work that is due for longer becomes `expired`: a missing verdict that is shown, not hidden."""


class ConsoleSettings(_Group):
    """The web console."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65_535)


class GrafanaSettings(_Group):
    """Where dashboards live, if anywhere."""

    url: HttpUrl | None = None
    token: SecretStr | None = None
    """Of a service account."""


class Settings(BaseSettings):
    """Everything that a process may be told from outside."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        nested_model_default_partial_update=True,
    )

    kafka: KafkaSettings = KafkaSettings()
    redis: RedisSettings = RedisSettings()
    clickhouse: ClickHouseSettings = ClickHouseSettings()
    sampling: SamplingSettings
    privacy: PrivacySettings
    ingest: IngestSettings = IngestSettings()
    scoring: ScoringSettings = ScoringSettings()
    judging: JudgingSettings = JudgingSettings()
    console: ConsoleSettings = ConsoleSettings()
    grafana: GrafanaSettings = GrafanaSettings()

    @model_validator(mode="after")
    def _check(self) -> Self:
        limit_s = self.kafka.max_poll_interval_ms / 2000
        if self.clickhouse.timeout_s >= limit_s:
            # An insert that hangs must end while the group still waits for the next poll (I9).
            raise ValueError(
                f"{PREFIX}CLICKHOUSE__TIMEOUT_S is {self.clickhouse.timeout_s:g} s and must be below half of "
                f"{PREFIX}KAFKA__MAX_POLL_INTERVAL_MS ({limit_s:g} s): lower the first or raise the second"
            )
        return self


def load_settings() -> Settings:
    """Read and check the environment.

    Raises:
        ConfigError: names each variable that is missing or wrong; never shows a value.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"  {_line(e['loc'], e['msg'])}" for e in error.errors(include_input=False, include_url=False)]
        hint = "\nREADME.md lists them; a stack that runs here (`alignment-monitor up`) has its own"
        raise ConfigError("settings are missing or wrong:\n" + "\n".join(lines) + hint) from None
    except SettingsError as error:
        raise ConfigError(f"a setting that must be JSON is not: {error}") from None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Give this process's settings, read once."""
    return load_settings()


_ONLY_FIELD: dict[tuple[int | str, ...], tuple[int | str, ...]] = {
    ("sampling",): ("sampling", "key"),
    ("privacy",): ("privacy", "pseudonym_key"),
}
"""A group that is missing as a whole is missing for want of this field."""


def _line(loc: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    # What concerns two variables names them itself.
    return message if message.startswith(PREFIX) else f"{_variable(loc)}: {message}"


def _variable(loc: tuple[int | str, ...]) -> str:
    loc = _ONLY_FIELD.get(loc, loc)
    # A variable is a group and a field; what lies deeper is inside its JSON.
    variable, inside = loc[:2], loc[2:]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in inside)
    return PREFIX + "__".join(str(part).upper() for part in variable) + where
