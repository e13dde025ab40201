"""The files that heads are loaded from: named arrays and what is to be known of them, no code (safetensors)."""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from monitor.errors import ConfigError

ARRAY = npt.NDArray[np.float32]


class Calibration(BaseModel):
    """Turns a head's raw numbers into probabilities: softmax(scale * logits + shift), after Guo et al. 2017."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: float = 1.0
    shift: tuple[float, ...]


class Facts(BaseModel):
    """What stands in the file beside the arrays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: tuple[str, ...]
    embedder: str
    """Identity of the embedder that it was trained on."""
    code_version: str
    """Of the head's features: other code would feed it other numbers."""
    calibration: dict[str, Calibration]
    """By language; `` is for all others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """A loaded file."""

    arrays: dict[str, ARRAY]
    facts: Facts
    digest: str
    """sha256 of the file."""


def save(path: Path, arrays: dict[str, ARRAY], facts: Facts) -> None:
    """Write a file; the same arrays and facts give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}, path, {"head": facts.model_dump_json()}
    )
    # safetensors writes a file that only its owner can read.
    path.chmod(0o644)


def load(path: Path) -> Weights:
    """Read a file.

    Raises:
        ConfigError: it is not there, or is not a head's.
    """
    try:
        content = path.read_bytes()
        with safe_open(path, "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
            facts = Facts.model_validate(json.loads((file.metadata() or {})["head"]))
    except (OSError, SafetensorError, KeyError, ValueError, ValidationError) as error:
        raise ConfigError(f"{path}: not the weights of a head ({type(error).__name__}): train it again") from error
    return Weights(arrays=arrays, facts=facts, digest=hashlib.sha256(content).hexdigest())


@lru_cache(maxsize=16)
def shipped(name: str) -> Weights:
    """Give the weights in the package; raises ConfigError where there are none."""
    with resources.as_file(resources.files(__package__) / "weights" / f"{name}.safetensors") as path:
        return load(path)


def softmax(logits: ARRAY, how: Calibration) -> list[float]:
    """Give calibrated probabilities, one a label, which add up to 1."""
    raised = np.asarray(logits, dtype=np.float64) * how.scale + np.asarray(how.shift)
    powers = np.exp(raised - raised.max())
    return [float(p) for p in powers / powers.sum()]
