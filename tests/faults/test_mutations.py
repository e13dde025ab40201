"""Each safeguard is taken away in a copy of the code, and the test that it is for goes red."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.faults import FULL
from tests.support.live import clean_environment
from tests.support.mutations import MUTATIONS, Mutation

ROOT = Path(__file__).parents[2]
COPIED = ("monitor", "workers", "tests", "bench", "docs", "pyproject.toml", "README.md", "CHANGELOG.md", "Makefile")
RED = 1
"""pytest's exit code for failed tests; 2 and more are its own troubles and prove nothing."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, folder / name)
    return folder


def run(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *test.split()],
        cwd=folder,
        env={**clean_environment(), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.mark.parametrize("mutation", [m for m in MUTATIONS if m.quick or FULL], ids=lambda m: m.name)
def test_without_its_safeguard_a_test_goes_red(copy: Path, mutation: Mutation) -> None:
    path = copy / mutation.file
    before = path.read_text("utf-8")
    assert before.count(mutation.old) == 1, f"{mutation.file} holds the text of {mutation.name} not once"
    try:
        path.write_text(before.replace(mutation.old, mutation.new), "utf-8")
        done = run(copy, mutation.test)
    finally:
        path.write_text(before, "utf-8")
    assert done.returncode == RED, f"without {mutation.name}, {mutation.test} says:\n{done.stdout[-3000:]}{done.stderr}"


def test_every_mutation_is_of_another_safeguard_and_every_test_is_there() -> None:
    names = [m.name for m in MUTATIONS]
    assert len(set(names)) == len(names)
    for mutation in MUTATIONS:
        file, _, name = mutation.test.split()[0].partition("::")
        assert f"def {name}" in (ROOT / file).read_text("utf-8") if name else (ROOT / file).exists()
        assert (ROOT / mutation.file).exists()
