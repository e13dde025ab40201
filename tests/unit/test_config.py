"""Settings: wrong ones are named and never shown, secrets stay masked."""

import os

import pytest

from monitor.config import load_settings
from monitor.errors import ConfigError

KEY = "a-key-of-enough-bytes-0123"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("ALIGNMENT_MONITOR_"):
            monkeypatch.delenv(name)


def set_all(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    chosen = {"SAMPLING__KEY": KEY, "PRIVACY__PSEUDONYM_KEY": KEY, **variables}
    for name, value in chosen.items():
        monkeypatch.setenv(f"ALIGNMENT_MONITOR_{name}", value)


def test_both_keys_are_required_and_named() -> None:
    with pytest.raises(ConfigError) as error:
        load_settings()
    assert "ALIGNMENT_MONITOR_SAMPLING__KEY" in str(error.value)
    assert "ALIGNMENT_MONITOR_PRIVACY__PSEUDONYM_KEY" in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SAMPLING__KEY", "short", "16 bytes"),
        ("KAFKA__SESSION_TIMEOUT_MS", "soon", "KAFKA__SESSION_TIMEOUT_MS"),
        ("KAFKA__NO_SUCH_SETTING", "1", "KAFKA__NO_SUCH_SETTING"),
        ("CLICKHOUSE__PORT", "99999", "CLICKHOUSE__PORT"),
        ("CLICKHOUSE__DATABASE", "x; DROP TABLE samples", "CLICKHOUSE__DATABASE"),
        ("SAMPLING__STRATA", "not json", "JSON"),
        ("SAMPLING__STRATA", '[{"name":"all","probability":2}]', "probability"),
        ("SAMPLING__STRATA", '[{"name":"all","when":{"colour":["red"]},"probability":1}]', "SAMPLING__STRATA"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    set_all(monkeypatch, **{name: value})
    with pytest.raises(ConfigError, match=message) as error:
        load_settings()
    assert "DROP TABLE" not in str(error.value)
    assert KEY not in str(error.value)


def test_secrets_are_masked_wherever_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, REDIS__URL="redis://:hunter2@host/0", CLICKHOUSE__PASSWORD="hunter2", GRAFANA__TOKEN="hunter2")
    settings = load_settings()
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "hunter2" not in text
        assert KEY not in text


def test_a_policy_that_cannot_be_meant_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, SAMPLING__STRATA='[{"name":"tr","when":{"locale":["tr"]},"probability":1}]')
    with pytest.raises(ConfigError, match="last stratum"):
        load_settings()


@pytest.mark.parametrize(
    ("variables", "first", "second"),
    [
        (
            {"KAFKA__SESSION_TIMEOUT_MS": "9000", "KAFKA__HEARTBEAT_INTERVAL_MS": "3001"},
            "KAFKA__HEARTBEAT_INTERVAL_MS is 3001",
            "KAFKA__SESSION_TIMEOUT_MS (9000)",
        ),
        (
            {"KAFKA__MAX_POLL_INTERVAL_MS": "60000", "CLICKHOUSE__TIMEOUT_S": "30"},
            "CLICKHOUSE__TIMEOUT_S is 30 s",
            "KAFKA__MAX_POLL_INTERVAL_MS (30 s)",
        ),
    ],
)
def test_two_settings_that_cannot_go_together_are_both_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], first: str, second: str
) -> None:
    """An insert that hangs must end before the group gives the member up, and two heartbeats may be lost (I9)."""
    set_all(monkeypatch, **variables)
    with pytest.raises(ConfigError) as error:
        load_settings()
    assert f"\n  ALIGNMENT_MONITOR_{first}" in str(error.value)
    assert f"ALIGNMENT_MONITOR_{second}" in str(error.value)


def test_timeouts_at_the_edge_of_what_goes_together_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(
        monkeypatch,
        KAFKA__SESSION_TIMEOUT_MS="9000",
        KAFKA__HEARTBEAT_INTERVAL_MS="3000",
        KAFKA__MAX_POLL_INTERVAL_MS="60000",
        CLICKHOUSE__TIMEOUT_S="29.9",
        INGEST__MAX_DUE="0",
    )
    settings = load_settings()
    assert settings.clickhouse.timeout_s == 29.9
    assert settings.ingest.max_due == 0, "back-pressure can be turned off"


def test_a_negative_limit_of_due_work_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, INGEST__MAX_DUE="-1")
    with pytest.raises(ConfigError, match="INGEST__MAX_DUE"):
        load_settings()
