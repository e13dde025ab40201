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
