"""The console's pages and their states, through HTTP, over the data source's fake."""

from dataclasses import replace
from string import Formatter

import pytest

from monitor.report.ledger import Span
from monitor.review.data import Lag
from monitor.review.fake import NOTHING, FakeData
from monitor.review.words import CATALOGUE, LANGUAGES
from tests.support.console import (
    BUSY,
    CASE,
    FLATTERY,
    FULL,
    GOOD,
    REFUSAL,
    SAMPLE,
    console,
    estimate,
    page,
    rate,
)


def test_the_status_page_shows_the_pipeline_in_full() -> None:
    html = page(FULL)
    for number in ("41,911", "4,210", "37,666", ">35<", "97.8 %", ">170<", ">128<", "42 s ago", "3.2 s from Kafka"):
        assert number in html
    assert "184 verdicts are missing (170 due, 14 could not be given): intervals are widened for them." in html
    assert "35 records could not be read" in html
    assert "not_json" in html
    assert "2026-11-22 11:00 to 2026-11-23 12:00 UTC" in html


def test_a_rate_stands_beside_its_interval_coverage_scorer_and_caveat() -> None:
    html = page(FULL)
    for text in ("Refusal", "7.1 %", "6.3 % – 8.0 %", "4,210 / 41,876", f'title="{REFUSAL.id}">{REFUSAL.id[:12]}<'):
        assert text in html
    assert "not corrected for scorer error" in html
    assert '<rect class="span" x="63.4%"' in html, "the band is drawn on an axis from 0 to 10 %"


def test_all_well_is_said_only_when_it_is() -> None:
    well = replace(BUSY, due=0, unscored=0, dead=0, scored=8_420, coverage=1.0, dead_letters={})
    said = "All accounted for"
    assert said in page(replace(FULL, state=well))
    assert said not in page(FULL)
    assert said not in page(FakeData())


def test_before_any_data_the_page_says_what_to_do() -> None:
    html = page(
        FakeData(scorers=(REFUSAL,), found=(rate(estimate(None, 0, 1, n_sampled=0, n_population=0, coverage=None)),))
    )
    assert "No data yet" in html
    assert "alignment-monitor replay" in html
    assert "no data yet" in html
    assert "Nothing was sampled in this time span." in html


def test_seen_but_nothing_sampled_is_no_rate_of_zero() -> None:
    state = replace(NOTHING, consumed=500, sampled_out=500)
    nothing = estimate(None, 0, 1, n_sampled=0, n_scored=0, n_population=500, coverage=None)
    html = page(FakeData(scorers=(REFUSAL,), state=state, found=(rate(nothing),)))
    assert "Nothing was sampled: 500 interactions were seen and none was kept" in html
    assert "nothing sampled" in html
    assert "0 %" not in html.split('id="rates"')[1].split("tbody")[1]


def test_missing_verdicts_are_said_to_widen_the_interval() -> None:
    partial = rate(estimate(0.02, 0.01, 0.06, n_scored=4_000, n_due=210, coverage=4_000 / 4_210))
    html = page(replace(FULL, found=(partial,)))
    assert "interval widened for missing verdicts (210)" in html
    assert "95.0 %" in html
    assert "interval widened" not in page(replace(FULL, found=(GOOD,)))


def test_a_sample_without_verdicts_shows_what_is_due() -> None:
    waiting = rate(estimate(None, 0, 1, n_scored=0, n_due=4_210, coverage=0.0))
    assert "no verdict yet, 4,210 due" in page(replace(FULL, found=(waiting,)))


def test_what_the_estimate_had_to_assume_is_noted() -> None:
    html = page(replace(FULL, found=(rate(estimate(0.02, 0.01, 0.06, n_unobserved=12, collapsed=("tr/a",))),)))
    assert "12 interactions in strata without a sample count as unknown" in html
    assert "small strata joined: tr/a" in html


def test_a_series_of_a_scorer_that_no_longer_runs_is_marked_and_comes_last() -> None:
    old = replace(REFUSAL, code_version="0")
    html = page(replace(FULL, found=(rate(estimate(0.5, 0.1, 0.9), scorer=old), GOOD)))
    assert "no longer runs" in html
    assert html.index(REFUSAL.id) < html.index(old.id)


def test_a_canary_that_is_late_or_absent_makes_the_numbers_doubtful() -> None:
    assert BUSY.last_canary
    late = replace(BUSY, last_canary=replace(BUSY.last_canary, age_s=3_700.0))
    assert "The last canary is 62 min old" in page(replace(FULL, state=late))
    assert "No canary came through" in page(replace(FULL, state=replace(BUSY, last_canary=None)))


def test_a_lag_that_is_not_known_is_said_with_the_reason() -> None:
    assert "The lag is not known: Kafka is away" in page(replace(FULL, behind=Lag(behind=None, note="Kafka is away")))


@pytest.mark.parametrize(("since", "hours"), [("1h", 2), ("24h", 25), ("7d", 169), ("", 25), ("90m", 3)])
def test_the_time_span_is_the_one_asked_for(since: str, hours: int) -> None:
    data = replace(FULL, spans=[])
    page(data, f"/?since={since}")
    end = 1_795_435_200  # 2026-11-23 12:00 UTC
    assert set(data.spans) == {Span(since=end - hours * 3600, until=end)}


def test_segments_are_shown_on_demand_and_their_size_is_marked_as_estimated() -> None:
    part = rate(
        estimate(0.09, 0.05, 0.14, n_population=1_234, n_population_estimated=True), segment={"locale": "tr-TR"}
    )
    unnamed = rate(estimate(0.01, 0.0, 0.05, n_sampled=7), segment={"locale": ""})
    data = replace(FULL, found=(GOOD, part, unnamed))
    html = page(data, "/?by=locale")
    assert "Rates by locale" in html
    assert "≈1,234" in html
    assert "(not given)" in html
    assert "≈1,234" not in page(data)


def test_of_many_segments_the_largest_are_shown_and_the_rest_counted() -> None:
    many = tuple(rate(estimate(0.1, 0.0, 0.5, n_sampled=n), segment={"tenant": f"t-{n:03}"}) for n in range(1, 101))
    html = page(replace(FULL, found=(GOOD, *many)), "/?by=tenant")
    assert "t-100" in html
    assert "t-001" not in html
    assert "60 smaller segments are not shown" in html


def test_recent_interactions_link_to_their_pages() -> None:
    client = console(FULL)
    assert f'href="/interactions/{SAMPLE}"' in client.get("/").text
    assert client.get(f"/interactions/{SAMPLE}").status_code == 200
    assert client.get("/interactions/chat%2F42").status_code == 200, "by interaction id, slash and all"


def test_an_interaction_is_shown_as_a_chat_with_everything_known_about_it() -> None:
    html = page(FULL, f"/interactions/{SAMPLE}")
    for text in (
        '<span class="mask">[EMAIL_1]</span>',
        "judged turn",
        "I cannot help with that.",
        "3 / 184223",
        "chat.interactions",
        "pushback",
        "0.25",
        "policy-1",
        "acme-chat 2026-11",
        "tr-TR",
        "acme-bank",
        "occurred_at",
        "EMAIL × 1",
        "1,432 / –",
        "android",
        "2026-11-23 11:26:31",
    ):
        assert text in html
    user, judged = html.split('<li class="message')[1:]
    assert "judged turn" in judged
    assert "judged turn" not in user


def test_verdicts_are_shown_with_their_scorers_and_what_is_due_as_due() -> None:
    rows = page(FULL, f"/interactions/{SAMPLE}").split('id="verdicts"')[1].split("</table>")[0].split("<tr")[2:]
    flattery, refusal = rows
    assert all(text in refusal for text in ("1.00", "full", "refuses: “I cannot”", "lexical-refusal", "scored"))
    assert all(text in flattery for text in ("Flattery", "due", "not scored yet", FLATTERY.id))


def test_a_missing_verdict_is_shown_with_its_reason_and_without_a_value() -> None:
    failed = replace(CASE.verdicts[0], status="error", value=None, label="", reason="the scorer failed")
    html = page(replace(FULL, cases=(replace(CASE, verdicts=(failed,)),)), f"/interactions/{SAMPLE}")
    assert "the scorer failed" in html
    assert '<span class="state warn">error</span>' in html


def test_the_page_speaks_turkish_when_asked_or_preferred() -> None:
    asked, preferred = page(FULL, "/?lang=tr"), page(FULL, "/", **{"accept-language": "de, tr-TR;q=0.8, en;q=0.7"})
    for html in (asked, preferred):
        assert '<html lang="tr">' in html
        assert all(text in html for text in ("%7,1", "41.911", "Reddetme", "42 sn önce", "düzeltilmemiştir"))
    assert f'href="/interactions/{SAMPLE}?lang=tr"' in asked, "a language that was asked for is kept by links"
    assert f'href="/interactions/{SAMPLE}"' in preferred
    assert '<html lang="en">' in page(FULL, "/?lang=en", **{"accept-language": "tr"})


@pytest.mark.parametrize(
    ("accept", "language"),
    [("", "en"), ("tr", "tr"), ("en, tr;q=0.9", "en"), ("tr;q=0, en;q=0.1", "en"), ("tr;q=x", "en"), ("*", "en")],
)
def test_the_language_follows_the_browser(accept: str, language: str) -> None:
    assert f'<html lang="{language}">' in page(FULL, "/", **{"accept-language": accept})


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_string_takes_the_same_values_in_both_languages(key: str) -> None:
    fields = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in CATALOGUE[key]]
    assert len(CATALOGUE[key]) == len(LANGUAGES)
    assert all(one == fields[0] for one in fields)
    assert all(text.strip() for text in CATALOGUE[key])
