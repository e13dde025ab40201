"""One supervised process."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
RESTART_FIRST_S, RESTART_MAX_S = 0.5, 30.0
STABLE_S = 60.0
"""After so long a run, the next death counts as the first again."""


def _die_with_parent() -> None:
    # Runs in the child between fork and exec: a supervisor that is killed must leave nothing behind.
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """A process with its command, log file and readiness check; restarted with growing pauses."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log_path: Path
    is_ready: Callable[[], bool]
    grace_s: float = 20.0
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    _delay: float = RESTART_FIRST_S
    _started_at: float = 0.0
    _restart_at: float = field(default=0.0)

    def start(self) -> None:
        """Start the process in a session of its own, so that Ctrl-C reaches the supervisor alone."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - the command is ours
                self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - the supervisor has one thread when it forks
            )
        self._started_at = time.monotonic()
        self._restart_at = 0.0

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None

    def tend(self) -> str | None:
        """Restart the process if it died and its pause is over; give a line for people when something happened."""
        if self.process is None or self.running:
            return None
        now = time.monotonic()
        if not self._restart_at:
            if now - self._started_at > STABLE_S:
                self._delay = RESTART_FIRST_S
            self._restart_at = now + self._delay
            self._delay = min(self._delay * 2, RESTART_MAX_S)
            return f"{self.name} stopped ({_cause(self.process.returncode)}); starting it again; log: {self.log_path}"
        if now < self._restart_at:
            return None
        self.restarts += 1
        self._reap_group()
        self.start()
        return f"{self.name} started again (restart {self.restarts})"

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self.process is not None and self.running:
            self.process.terminate()

    def wait_stopped(self) -> bool:
        """Wait out the grace period, then kill the whole group; False if it had to be killed."""
        if self.process is None:
            return True
        clean = True
        try:
            self.process.wait(self.grace_s)
        except subprocess.TimeoutExpired:
            clean = False
            self._reap_group()
            self.process.wait()
        self._reap_group()
        return clean

    def last_lines(self, count: int = 5) -> str:
        """Give the end of the log, for an error message."""
        try:
            lines = self.log_path.read_text("utf-8", "replace").splitlines()
        except OSError:
            return ""
        return "\n".join(f"    {line}" for line in lines[-count:])

    def _reap_group(self) -> None:
        # Celery's pool processes outlive a parent that was killed.
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                return


def _cause(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
