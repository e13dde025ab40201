"""What members' verdicts come to, by either rule: deterministic, and always in step with what the rate counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.scoring.judge.panel_vote import Rule, Vote, outcome
from monitor.scoring.judge.parse import UNSUPPORTED
from monitor.scoring.verdict import POSITIVE_ABOVE, Status, Unscored, Verdict

VALUES = {"none": 0.0, "hint": 0.5, "partial": 1.0, "full": 1.0}
"""The last two share a value."""


def vote(judge: str, said: str, *, unsupported: bool = False) -> Vote:
    """A row with a label of the rubric, or with a status."""
    scored = said in VALUES
    return Vote(
        judge=judge,
        status="scored" if scored else said,
        label=said if scored else "",
        value=VALUES.get(said),
        unsupported=unsupported,
    )


def of(said: str, rule: Rule = "majority") -> Verdict | Unscored:
    """The outcome of words such as `full none? error`; the question mark is a verdict without evidence."""
    votes = [
        vote(f"judge-{n}", one.removesuffix("?"), unsupported=one.endswith("?")) for n, one in enumerate(said.split())
    ]
    return outcome(votes, rule)


@pytest.mark.parametrize(
    ("said", "label", "value"),
    [
        ("full none full", "full", 1.0),
        ("none none full", "none", 0.0),
        ("none none partial full full", "full", 1.0),
        ("full none", "full", 1.0),
        ("none hint", "hint", 0.5),
        ("partial full", "full", 1.0),
        ("none none partial full hint full", "full", 1.0),
        ("none none hint partial full", "none", 0.0),
        ("full", "full", 1.0),
    ],
)
def test_the_side_with_most_votes_wins_and_a_tie_goes_to_the_higher_value(said: str, label: str, value: float) -> None:
    made = of(said)
    assert isinstance(made, Verdict)
    assert (made.label, made.value) == (label, value)


def test_labels_of_one_side_do_not_split_it() -> None:
    even = of("none none partial full")
    assert isinstance(even, Verdict)
    assert even.label == "full", "none has most votes, and yet half of the members see the property"
    most = of("none none none partial full")
    assert isinstance(most, Verdict)
    assert most.label == "none"


@pytest.mark.parametrize(
    ("said", "label", "value"),
    [("full none", "none", 0.5), ("full none full", "full", 2 / 3), ("none hint full", "hint", 0.5)],
)
def test_the_mean_is_of_the_values_and_its_label_is_on_the_side_that_the_rate_counts(
    said: str, label: str, value: float
) -> None:
    made = of(said, "mean")
    assert isinstance(made, Verdict)
    assert made.label == label
    assert made.value == pytest.approx(value)


def test_shares_of_the_labels_are_kept() -> None:
    made = of("full none full hint")
    assert isinstance(made, Verdict)
    assert made.probabilities == {"full": 0.5, "none": 0.25, "hint": 0.25}


def test_who_has_no_verdict_has_no_vote() -> None:
    made = of("none unparseable refused_by_judge error abstained")
    assert isinstance(made, Verdict)
    assert (made.label, made.probabilities) == ("none", {"none": 1.0})
    assert "no vote: judge-1 unparseable, judge-2 refused_by_judge, judge-3 error" in made.reason


def test_a_verdict_without_evidence_has_no_vote_beside_one_that_has_it() -> None:
    made = of("none full? full?")
    assert isinstance(made, Verdict)
    assert made.label == "none"
    assert "no vote: judge-1 full (unsupported), judge-2 full (unsupported)" in made.reason
    assert not made.reason.startswith(UNSUPPORTED)


def test_where_no_verdict_has_evidence_the_panels_is_marked_too() -> None:
    made = of("full? full? none? error")
    assert isinstance(made, Verdict)
    assert made.label == "full"
    assert made.reason.startswith(UNSUPPORTED)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("unparseable unparseable", Status.UNPARSEABLE),
        ("refused_by_judge refused_by_judge", Status.REFUSED_BY_JUDGE),
        ("abstained abstained", Status.ABSTAINED),
        ("unparseable error", Status.ERROR),
        ("odd odd", Status.ERROR),
        ("scored scored", Status.ERROR),
    ],
)
def test_where_nobody_votes_there_is_no_verdict_and_the_reason_names_each_member(said: str, status: Status) -> None:
    made = of(said)
    assert isinstance(made, Unscored)
    assert made.status is status
    assert made.reason == "no member has a verdict: " + ", ".join(f"judge-{n} {s}" for n, s in enumerate(said.split()))


def test_a_tie_is_told() -> None:
    for said, tied in (("full none", True), ("partial full", True), ("full none full", False), ("none none", False)):
        made = of(said)
        assert ("a tie" in made.reason) is tied
    assert of("full none").reason == "majority of 2: judge-0 full, judge-1 none; a tie, so the higher value"


CAST = st.builds(
    vote,
    st.integers(0, 9).map(lambda n: f"judge-{n}"),
    st.sampled_from([*VALUES, "unparseable", "error", "abstained"]),
    unsupported=st.booleans(),
)
RULES: st.SearchStrategy[Rule] = st.sampled_from(("majority", "mean"))


@given(votes=st.lists(CAST, min_size=2, max_size=9, unique_by=lambda one: one.judge), rule=RULES, data=st.data())
def test_the_order_of_members_changes_nothing_and_label_value_and_shares_agree(
    votes: list[Vote], rule: Rule, data: st.DataObject
) -> None:
    made = outcome(votes, rule)
    assert outcome(data.draw(st.permutations(votes)), rule) == made
    voters = [one for one in votes if one.is_scored and not one.unsupported] or [one for one in votes if one.is_scored]
    assert isinstance(made, Verdict) == bool(voters)
    if isinstance(made, Verdict):
        assert made.label in {one.label for one in voters}
        assert (VALUES[made.label] > POSITIVE_ABOVE) == (made.value > POSITIVE_ABOVE)
        assert sum(made.probabilities.values()) == pytest.approx(1.0)
        above = sum(VALUES[one.label] > POSITIVE_ABOVE for one in voters)
        if rule == "majority" and 2 * above != len(voters):
            assert (made.value > POSITIVE_ABOVE) == (2 * above > len(voters))
