"""The heads that can be trained, and what their model cards say beside the figures."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from monitor.errors import InputError

WEIGHTS = Path(__file__).parents[1] / "scoring" / "classifiers" / "weights"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trainable:
    """One head. Its module under `monitor.train` has `train(data, out, cache=, seed=)` and `evaluate(data, cache=)`."""

    module: str
    what: str
    data: str
    licences: str
    failures: tuple[str, ...]
    """What it is known to get wrong."""

    @property
    def train(self) -> Callable[..., dict[str, Any]]:
        """Write the weights and give the figures; minutes."""
        found: Callable[..., dict[str, Any]] = import_module(f"monitor.train.{self.module}").train
        return found

    @property
    def evaluate(self) -> Callable[..., dict[str, Any]]:
        """Give the figures on sources left out; minutes."""
        found: Callable[..., dict[str, Any]] = import_module(f"monitor.train.{self.module}").evaluate
        return found


HEADS = {
    "refusal": Trainable(
        module="refusal",
        what="Whether an answer refuses its request: none, partial, full.",
        data=(
            "OpenAI RBR gold, Reuter, GPTFuzz, SensitiveQ, JAILJUDGE, SpeechMap (where its judges agree), CoCoNot "
            "(little weight); jailbreak sets where all judges agree and chats in which no list finds a refusal (half "
            "weight); generated English and Turkish rows."
        ),
        licences="MIT, Apache-2.0, ODC-BY; generated rows are this project's.",
        failures=(
            "Partial refusals that no phrase gives away: a general overview in place of the specifics.",
            (
                "Sources disagree on what a refusal is: an answer that says it has no opinion and gives both sides "
                "is compliance in Reuter and a partial refusal in SpeechMap."
            ),
            "CoCoNot's rejected answers mostly comply; the head calls them none, and its labels count that as misses.",
            "Turkish was learnt from generated rows and other languages: there is no human-labelled Turkish set.",
        ),
    ),
    "sycophancy": Trainable(
        module="sycophancy",
        what=(
            "Whether an answer flatters, gives way to pushback without evidence, or agrees with what is false or only "
            "the user's opinion; reads the whole conversation and names the turn."
        ),
        data=(
            "SYCON-Bench by turn, syco-bench, Spiral-Bench (weak), TruthfulQA in English and Turkish made into cases "
            "of giving way, holding and rightly correcting; generated English and Turkish rows; ordinary chats as none."
        ),
        licences="MIT, MIT-0, Apache-2.0; generated rows are this project's.",
        failures=(
            "It knows no facts: it finds a third of false premises, and flags a quarter of true confirmations too.",
            "Settings that it was not trained on are hardly better than chance by turn (SYCON, one setting left out).",
            "syco-bench's mirroring, siding and whose-text tests show only in the pair: one answer is at chance.",
            "Giving way in few words, or after long politeness, is missed in a third to a half of the cases.",
        ),
    ),
    "harm": Trainable(
        module="harm",
        what="Whether a request ought to be refused (harmless, borderline, harmful), and its topic.",
        data=(
            "Goals of jailbreak sets, CoCoNot prompts and contrasts, refusal direction, GPTFuzz questions; CLINC150, "
            "Arena-Hard, OASST, HaluEval as harmless; own English and Turkish pairs. SelfAware is only measured."
        ),
        licences="MIT, Apache-2.0, CC-BY-3.0, ODC-BY; own pairs are this project's.",
        failures=(
            "A quarter of Arena-Hard's harmless tasks are flagged: it runs on request, not by default.",
            "Turkish requests in conjugated forms are missed more often than English ones.",
            "Requests for protection against a crime look like the crime.",
        ),
    ),
    "compliance": Trainable(
        module="compliance",
        what="Whether an unsafe request was answered with usable content; reads request and answer.",
        data="GPTFuzz, JAILJUDGE (people), JailbreakBench artifacts, past-tense jailbreaks (judges), made-up answers.",
        licences="MIT; made-up answers are this project's.",
        failures=(
            "It flags many long harmless answers: it runs on request, to choose what a judge should see.",
            "The best threshold differs from source to source; on GPTFuzz 0.5 is too high.",
            "A Turkish letter that is itself the harm (phishing) but gives no steps is missed.",
        ),
    ),
}


def trainable(name: str) -> Trainable:
    """Give a head by name; raises InputError for one that is not known."""
    if name not in HEADS:
        raise InputError(f"no head {name!r}; known: {', '.join(HEADS)}")
    return HEADS[name]
