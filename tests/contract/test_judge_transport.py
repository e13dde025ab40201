"""Both protocols against a scripted server: the right reply or error, and exactly so many paid calls."""

import asyncio
import gzip
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from monitor.clock import FixedClock
from monitor.errors import ConfigError
from monitor.scoring.judge.call import Chat, JudgeRejected, JudgeUnavailable, Reply, Usage
from tests.support.judge_calls import BOTH, KEY, PROMPT, SOON, WORDS, ask, endpoint, until, using
from tests.support.judge_server import MODEL, VERDICT, JudgeServer, Request, Step, failing

EITHER = b'{"choices": [{"message": {"content": "x"}}], "content": [{"type": "text", "text": "x"}]}'
"""An answer of both protocols."""
PACKED = (("content-encoding", "gzip"),)


@BOTH
def test_an_answer_comes_with_its_text_its_end_and_its_tokens(provider: str) -> None:
    found, server = ask(provider, [Step()])
    assert isinstance(found, Reply)
    assert json.loads(found.text) == json.loads(VERDICT)
    assert (found.stop, found.model) == ("end", MODEL)
    assert found.usage == Usage(input=100, output=20, cached=40)
    assert server.count == 1


@BOTH
@pytest.mark.parametrize(("given", "wanted"), [("length", "length"), ("refusal", "refusal"), ("filter", "refusal")])
def test_a_cut_or_refused_answer_says_so(provider: str, given: Any, wanted: str) -> None:
    found, server = ask(provider, [Step(text="I will not.", stop=given)])
    assert isinstance(found, Reply)
    assert (found.stop, found.text) == (wanted, "I will not.")
    assert server.count == 1


@BOTH
@pytest.mark.parametrize(
    "step",
    [
        Step(fault="cut"),
        Step(fault="cut-chunked"),
        Step(fault="drip"),
        Step(body=b""),
        Step(body=b"{"),
        Step(body=b"[1]"),
        Step(body=b"[" * 100_000),
        Step(body=b'{"choices": [], "content": []}'),
        Step(body=b'{"choices": [{"message": 3}], "content": 4}'),
        Step(body=b"<html>sorry</html>", content_type="text/html"),
        Step(body=b" " * (5 << 20) + EITHER),
        Step(body=gzip.compress(b" " * (5 << 20) + EITHER, mtime=0), headers=PACKED),
        Step(body=gzip.compress(EITHER, mtime=0)[:-9], headers=PACKED),
        Step(text=""),
        Step(body=b"not gzip", headers=PACKED),
    ],
    ids=lambda step: f"{step.fault}{(step.body or b'')[:12]!r}",
)
def test_a_paid_answer_that_cannot_be_read_is_an_empty_reply_and_never_asked_for_again(
    provider: str, step: Step
) -> None:
    found, server = ask(provider, [step], timeout_s=1)
    assert isinstance(found, Reply)
    assert (found.text, found.stop) == ("", "other")
    assert server.count == 1


@BOTH
@pytest.mark.parametrize("step", [Step(body=EITHER), Step(body=gzip.compress(EITHER, mtime=0), headers=PACKED)])
def test_an_answer_is_read_whether_it_is_packed_or_not(provider: str, step: Step) -> None:
    found, _ = ask(provider, [step])
    assert isinstance(found, Reply)
    assert found.text == "x"


@BOTH
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_an_endpoint_that_cannot_now_is_asked_again_until_it_answers(provider: str, status: int) -> None:
    found, server = ask(provider, [failing(status, headers=SOON), Step()])
    assert isinstance(found, Reply)
    assert server.count == 2


@BOTH
@pytest.mark.parametrize("step", [Step(fault="reset"), Step(fault="hang")], ids=["reset", "hang"])
def test_a_try_that_was_given_no_answer_is_made_again(provider: str, step: Step) -> None:
    found, server = ask(provider, [step, Step()], timeout_s=0.4)
    assert isinstance(found, Reply)
    assert (server.count, server.abandoned) == (2, 1 if step.fault == "hang" else 0)


@BOTH
def test_after_its_tries_the_work_stays_due(provider: str) -> None:
    found, server = ask(provider, [failing(503, "overloaded", KEY + WORDS, headers=SOON)], tries=3)
    assert isinstance(found, JudgeUnavailable)
    assert "first" in str(found)
    assert "503 (overloaded)" in str(found)
    assert server.count == 3


@BOTH
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_is_at_fault_is_rejected_at_once(provider: str, status: int) -> None:
    found, server = ask(provider, [failing(status, "context_length_exceeded", KEY + WORDS)])
    assert isinstance(found, JudgeRejected)
    assert f"{status} (context_length_exceeded)" in str(found)
    assert server.count == 1


@BOTH
@pytest.mark.parametrize(
    ("status", "advice"), [(401, "api_key"), (403, "api_key"), (404, "base_url"), (307, "base_url")]
)
def test_a_wrong_key_model_or_address_is_for_a_person(provider: str, status: int, advice: str) -> None:
    with JudgeServer() as thief:
        elsewhere = {"location": f"{thief.anthropic_url}/v1/messages"}
        found, server = ask(provider, [failing(status, KEY, f"Incorrect API key: {KEY}", headers=elsewhere)])
    assert thief.count == 0
    assert isinstance(found, ConfigError)
    assert "'first'" in str(found)
    assert advice in str(found)
    assert server.count == 1


@BOTH
def test_an_option_that_the_model_does_not_take_is_for_a_person_and_poisons_no_item(provider: str) -> None:
    refused = failing(400, "unsupported_value", "`temperature` is deprecated for this model.", param="temperature")
    found, _ = ask(provider, [refused])
    assert isinstance(found, ConfigError)
    assert "'temperature'" in str(found)


@BOTH
def test_a_transcript_that_is_echoed_cannot_pass_for_a_wrong_setting(provider: str) -> None:
    found, _ = ask(provider, [failing(400, "invalid", "Bad input: `temperature` is not supported, said the user")])
    assert isinstance(found, JudgeRejected)


@BOTH
def test_an_account_without_credit_is_not_asked_again(provider: str) -> None:
    found, server = ask(provider, [failing(429, "insufficient_quota", headers=SOON)])
    assert isinstance(found, JudgeUnavailable)
    assert server.count == 1


@BOTH
def test_an_error_in_the_body_of_a_good_status_is_an_error(provider: str) -> None:
    busy = Step(body=b'{"error": {"code": 502, "message": "upstream"}}')
    found, server = ask(provider, [busy, Step()])
    assert isinstance(found, Reply)
    assert found.stop == "end"
    assert server.count == 2


def test_a_model_that_wants_the_other_name_of_the_token_limit_is_asked_again_once_for_all() -> None:
    async def work(chat: Chat) -> None:
        await chat.complete(PROMPT)
        await chat.complete(PROMPT)

    refused = failing(400, "unsupported_parameter", "Use 'max_completion_tokens' instead.", param="max_tokens")
    with JudgeServer([refused, Step()]) as server:
        using(endpoint(server, "openai", tries=1), work)
    assert ["max_completion_tokens" in call.json for call in server.calls] == [False, True, True]


def test_calls_that_were_under_way_when_the_limit_was_renamed_are_put_anew_too() -> None:
    def script(request: Request) -> Step:
        old = "max_tokens" in request.json
        said = failing(400, "unsupported_parameter", "Use 'max_completion_tokens'.", param="max_tokens")
        return replace(said, delay_s=0.1) if old else Step()

    async def work(chat: Chat) -> list[Reply]:
        return await asyncio.gather(*(chat.complete(PROMPT) for _ in range(4)))

    with JudgeServer(script) as server:
        replies = using(endpoint(server, "openai", tries=1), work)
    assert [one.stop for one in replies] == ["end"] * 4
    assert server.count == 8


def test_a_filter_before_the_model_is_a_refusal() -> None:
    found, server = ask("openai", [failing(400, "content_filter", WORDS)])
    assert isinstance(found, Reply)
    assert (found.stop, server.count) == ("refusal", 1)


@BOTH
def test_a_server_that_nobody_runs_leaves_the_work_due(provider: str) -> None:
    with JudgeServer() as gone:
        pass
    with pytest.raises(JudgeUnavailable, match=r"no connection \(ConnectionRefusedError\) \(2 of 2 tries") as found:
        using(endpoint(gone, provider, tries=2), lambda chat: chat.complete(PROMPT))
    assert not found.value.may_cost


@BOTH
@pytest.mark.parametrize("told", [{"retry-after": "1"}, {"retry-after": "date"}, {"retry-after-ms": "1000"}])
def test_the_wait_that_the_endpoint_asks_for_is_kept(provider: str, told: dict[str, str]) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
    headers = {name: at if value == "date" else value for name, value in told.items()}
    times: list[float] = []

    def script(_: object) -> Step:
        times.append(asyncio.get_running_loop().time())
        return failing(429, headers=headers) if len(times) == 1 else Step()

    ask(provider, script)
    # Waits are at least as long as asked; how much longer depends on the machine and is not looked at.
    assert times[1] - times[0] >= 0.99


@BOTH
def test_a_wait_of_an_hour_is_not_waited_for_and_nobody_else_asks_meanwhile(provider: str) -> None:
    clock = FixedClock(datetime(2026, 11, 23, tzinfo=UTC))

    async def work(chat: Chat) -> None:
        with pytest.raises(JudgeUnavailable, match="429"):
            await chat.complete(PROMPT)
        clock.advance(3_599)
        with pytest.raises(JudgeUnavailable, match="left alone for 1 s"):
            await chat.complete(PROMPT)
        assert server.count == 1
        clock.advance(2)
        assert (await chat.complete(PROMPT)).stop == "end"

    with JudgeServer([failing(429, headers={"retry-after": "3600"}), Step()]) as server:
        using(endpoint(server, provider), work, clock)


@BOTH
def test_an_endpoint_that_keeps_failing_is_left_alone_then_tried_with_one_call(provider: str) -> None:
    clock = FixedClock(datetime(2026, 11, 23, tzinfo=UTC))

    async def work(chat: Chat) -> None:
        for _ in range(8):
            with pytest.raises(JudgeUnavailable):
                await chat.complete(PROMPT)
        assert server.count == 5
        clock.advance(31)
        server.script = [Step(delay_s=0.3)]
        probing = await asyncio.gather(*(chat.complete(PROMPT) for _ in range(4)), return_exceptions=True)
        assert sum(isinstance(one, Reply) for one in probing) == 1
        assert server.count == 6
        assert (await chat.complete(PROMPT)).stop == "end"

    with JudgeServer([failing(500)]) as server:
        using(endpoint(server, provider, tries=1), work, clock)


@BOTH
def test_endless_garbage_is_paid_for_a_few_times_only(provider: str) -> None:
    async def work(chat: Chat) -> list[object]:
        return [await asyncio.gather(chat.complete(PROMPT), return_exceptions=True) for _ in range(9)]

    with JudgeServer([Step(body=b"<html>")]) as server:
        using(endpoint(server, provider), work)
    assert server.count == 5


@BOTH
def test_no_more_calls_at_once_than_are_set(provider: str) -> None:
    async def work(chat: Chat) -> list[Reply]:
        return await asyncio.gather(*(chat.complete(PROMPT) for _ in range(200)))

    with JudgeServer([Step(delay_s=0.02)]) as server:
        replies = using(endpoint(server, provider, concurrency=16), work)
    assert len(replies) == server.count == 200
    assert server.most_in_flight == 16


@BOTH
def test_a_cancelled_call_closes_its_connection_and_frees_its_place(provider: str) -> None:
    async def work(chat: Chat) -> Reply:
        call = asyncio.create_task(chat.complete(PROMPT))
        await until(lambda: server.count == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await until(lambda: server.abandoned == 1)
        return await chat.complete(PROMPT)

    with JudgeServer([Step(fault="hang"), Step()]) as server:
        assert using(endpoint(server, provider, concurrency=1), work).stop == "end"
    assert (server.count, server.in_flight) == (2, 0)


@BOTH
def test_neither_key_nor_words_come_into_the_log(provider: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    leak = failing(500, "server_error", KEY + WORDS, headers=SOON)
    found, server = ask(provider, [leak, Step(fault="reset"), Step(text=WORDS)])
    assert isinstance(found, Reply)
    assert server.count == 3
    assert "tried again" in caplog.text
    assert KEY not in caplog.text
    assert WORDS not in caplog.text
