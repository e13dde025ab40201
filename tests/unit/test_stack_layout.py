"""What a stack leaves for commands in other terminals."""

from pathlib import Path

import pytest

from workers.stack.layout import Ports, environment

SCORERS = "ALIGNMENT_MONITOR_SCORING__SCORERS"
SAMPLING_KEY = "ALIGNMENT_MONITOR_SAMPLING__KEY"
BROKER = "ALIGNMENT_MONITOR_KAFKA__BOOTSTRAP_SERVERS"


def test_the_settings_it_was_started_with_are_for_other_terminals_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SCORERS, '["rule-pii-leak"]')
    monkeypatch.setenv("UNRELATED_SECRET", "not ours")
    left = environment(tmp_path, Ports())
    assert left[SCORERS] == '["rule-pii-leak"]'
    assert "UNRELATED_SECRET" not in left


def test_its_own_addresses_win_and_so_do_keys_that_were_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BROKER, "elsewhere:9092")
    monkeypatch.setenv(SAMPLING_KEY, "chosen-by-the-user")
    left = environment(tmp_path, Ports(kafka=1234))
    assert left[BROKER] == "127.0.0.1:1234"
    assert left[SAMPLING_KEY] == "chosen-by-the-user"


def test_its_keys_are_made_once_for_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SAMPLING_KEY, raising=False)
    assert environment(tmp_path, Ports())[SAMPLING_KEY] == environment(tmp_path, Ports())[SAMPLING_KEY]
