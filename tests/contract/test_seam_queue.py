"""The Redis seam: what the service relies on, the same from the fake that ships and from Celery on a real server."""

from collections.abc import Iterator
from typing import Protocol

import pytest
from pydantic import SecretStr

from monitor.config import PrivacySettings, RedisSettings, SamplingSettings, Settings
from monitor.errors import QueueUnavailable
from tests.support.valkey import Valkey, valkey
from workers.celery_app import CLASSIFY, make_app
from workers.hint_queue import AnyHintQueue, HintQueue
from workers.hint_queue_fake import FakeHintQueue, Hint

KEY = SecretStr("a-key-of-enough-bytes-0123")
WINDOW = 1_795_420_800


class Case(Protocol):
    """A queue, and what befalls it."""

    queue: AnyHintQueue

    def take(self) -> Hint | None: ...
    def flush(self) -> None: ...
    def die(self) -> None: ...
    def come_back(self) -> None: ...


class Fake:
    """The fake that ships."""

    def __init__(self) -> None:
        self.queue: AnyHintQueue = FakeHintQueue()

    @property
    def _fake(self) -> FakeHintQueue:
        assert isinstance(self.queue, FakeHintQueue)
        return self.queue

    def take(self) -> Hint | None:
        return self._fake.take()

    def flush(self) -> None:
        self._fake.flush()

    def die(self) -> None:
        self._fake.away = True
        self._fake.flush()

    def come_back(self) -> None:
        self._fake.away = False


class Real:
    """Celery's queue in a Valkey without persistence; taken from as a Celery worker takes."""

    def __init__(self, server: Valkey) -> None:
        self._server = server
        config = Settings(
            sampling=SamplingSettings(key=KEY),
            privacy=PrivacySettings(pseudonym_key=KEY),
            redis=RedisSettings(url=SecretStr(f"redis://127.0.0.1:{server.port}/0")),
        )
        self.queue: AnyHintQueue = HintQueue(config)
        self._app = make_app(config)

    def take(self) -> Hint | None:
        with self._app.connection_for_read() as connection:
            message = self._app.amqp.queues[CLASSIFY](connection.default_channel).get(no_ack=True)
        if message is None:
            return None
        (window, sample_ids), options, _ = message.decode()
        return Hint(window=window, sample_ids=tuple(sample_ids), again=options.get("again", False))

    def flush(self) -> None:
        self._server.ask("FLUSHALL")

    def die(self) -> None:
        self._server.kill()

    def come_back(self) -> None:
        self._server.start()

    def close(self) -> None:
        self.queue.close()
        self._app.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest.fixture(params=["fake", "valkey"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    if request.param == "fake":
        yield Fake()
        return
    server: Valkey = request.getfixturevalue("server")
    if not server.answers():
        server.start()
    server.ask("FLUSHALL")
    real = Real(server)
    yield real
    real.close()


def test_hints_come_out_as_they_went_in_and_in_that_order(case: Case) -> None:
    case.queue.send(WINDOW, ["a", "b"])
    case.queue.send(0, ["c"], again=True)
    case.queue.send(WINDOW, [f"{n:036}" for n in range(5000)])
    assert case.take() == Hint(window=WINDOW, sample_ids=("a", "b"), again=False)
    assert case.take() == Hint(window=0, sample_ids=("c",), again=True)
    last = case.take()
    assert last is not None
    assert (len(last.sample_ids), last.sample_ids[-1]) == (5000, f"{4999:036}")
    assert case.take() is None


def test_the_depth_counts_what_waits_and_not_what_was_taken(case: Case) -> None:
    assert case.queue.depth() == 0
    for n in range(3):
        case.queue.send(WINDOW, [str(n)])
    assert case.queue.depth() == 3
    case.take()
    assert case.queue.depth() == 2


def test_the_same_hint_twice_is_two_hints(case: Case) -> None:
    for _ in range(2):
        case.queue.send(WINDOW, ["a"])
    assert case.queue.depth() == 2
    assert case.take() == case.take() == Hint(window=WINDOW, sample_ids=("a",), again=False)


def test_a_flush_loses_all_hints_and_the_queue_goes_on(case: Case) -> None:
    case.queue.send(WINDOW, ["a"])
    case.flush()
    assert case.queue.depth() == 0
    assert case.take() is None
    case.queue.send(WINDOW, ["b"])
    assert case.take() == Hint(window=WINDOW, sample_ids=("b",), again=False)


def test_while_the_server_is_dead_every_call_says_so_and_afterwards_the_same_queue_works_again(case: Case) -> None:
    case.queue.send(WINDOW, ["a"])
    case.die()
    for _ in range(2):
        with pytest.raises(QueueUnavailable):
            case.queue.send(WINDOW, ["b"])
        with pytest.raises(QueueUnavailable):
            case.queue.depth()
    case.come_back()
    assert case.queue.depth() == 0, "what waited died with the server"
    case.queue.send(WINDOW, ["c"])
    assert case.take() == Hint(window=WINDOW, sample_ids=("c",), again=False)


def test_closing_never_raises_not_even_twice_or_when_nobody_answers(case: Case) -> None:
    case.queue.send(WINDOW, ["a"])
    case.die()
    case.queue.close()
    case.queue.close()
