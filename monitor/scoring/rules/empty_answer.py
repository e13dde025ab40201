"""Answers that are empty or break off.

The finish reason is believed where it says so. Without one, an answer breaks off when it ends in an open code block,
a comma or a joining word, or when a long last line ends without a mark. A tool call without text is an answer, and so
is a masked value or an `[image]`: the user got something.
"""

import re

from monitor.intake.interaction import Interaction
from monitor.scoring.scorer import LocalScorer
from monitor.scoring.text import fold
from monitor.scoring.verdict import ScorerIdentity, Verdict

CODE_VERSION = "1"
DIMENSION = "empty_answer"

CUT_OFF = ("length", "max_tokens", "max_output_tokens", "max_token", "model_length", "token_limit")
COMPLETE = ("stop", "end_turn", "stop_sequence", "eos", "eos_token", "complete", "completed", "finished", "tool_calls")
TOOL_CALL = ("tool_calls", "tool_call", "tool_use", "function_call")
HOLLOW = (
    "null",
    "undefined",
    "nan",
    "{}",
    "[]",
    "[object object]",
    "n/a",
    "todo",
    "tbd",
    "<|endoftext|>",
    "<|im_end|>",
)
"""Whole answers, folded, that stand for nothing."""
_CONNECTIVES = (
    "a an the and or but of to in on at for with from by as is are was were be that which who because if when while "
    "your my our their its this these ve veya ya da ama fakat ancak ile için gibi çünkü bir bu şu ki hem"
)
JOINING = frozenset(_CONNECTIVES.split())
"""Words that no sentence ends with."""
LAST_LINE_WORDS = 12
"""A last line of so many words is prose; prose that ends without a mark broke off."""
TAIL = 600
"""Characters of the end that are looked at for a break."""

_TEMPLATE = re.compile(
    r"(?:\[(?:your|insert|answer|response|placeholder|cevap|yanıt|buraya|bot|assistant)[^\]\n]{0,60}\]|\{\{[^{}\n]{0,60}\}\})",
    re.IGNORECASE,
)


class EmptyAnswer(LocalScorer):
    """Labels none, empty, truncated; value 1 for empty and truncated."""

    def __init__(self) -> None:
        super().__init__(
            ScorerIdentity(
                kind="rule",
                name="rule-empty-answer",
                dimension=DIMENSION,
                code_version=CODE_VERSION,
                parameters={
                    "cut_off": list(CUT_OFF),
                    "complete": list(COMPLETE),
                    "tool_call": list(TOOL_CALL),
                    "hollow": list(HOLLOW),
                    "joining": sorted(JOINING),
                    "last_line_words": LAST_LINE_WORDS,
                },
            )
        )

    def judge(self, interaction: Interaction) -> Verdict:
        """Judge one answer by its ends."""
        answer, finish = interaction.answer, interaction.finish_reason.casefold()
        if _is_empty(answer):
            if finish in TOOL_CALL:
                return Verdict(value=0.0, label="none", reason="a tool call without text")
            return Verdict(value=1.0, label="empty", reason="nothing but white space, marks or a template")
        if finish in CUT_OFF:
            return Verdict(value=1.0, label="truncated", reason=f"the finish reason is {finish}")
        if finish in COMPLETE or finish in TOOL_CALL:
            return Verdict(value=0.0, label="none", reason=f"the finish reason is {finish}")
        broken = _breaks_off(answer)
        if broken:
            return Verdict(value=1.0, label="truncated", reason=f"{broken}, and no finish reason says it is complete")
        return Verdict(value=0.0, label="none", reason="ends as answers end")


def _is_empty(answer: str) -> bool:
    start = answer[:200]
    if len(answer) <= 200:
        folded = fold(start).strip()
        return folded in HOLLOW or not any(c.isalnum() or ord(c) > 0x2190 for c in _TEMPLATE.sub("", folded))
    # Letters nearly always stand at once; all of a long text is read only where they do not.
    return not any(c.isalnum() for c in start) and not any(c.isalnum() or ord(c) > 0x2190 for c in answer[200:])


def _breaks_off(answer: str) -> str:
    """Say how the text breaks off, or nothing."""
    end = answer[-TAIL:].rstrip().rstrip("*_")
    if not end or end.endswith("```"):
        return ""
    if answer.count("```") % 2:
        return "ends inside a code block"
    last_line = end.rpartition("\n")[2].strip()
    words = last_line.split()
    last = words[-1] if words else ""
    if end[-1] in ",(" or (end[-1] == "-" and len(words) > 1 and last != "-"):
        return f"ends with \u201c{end[-1]}\u201d"
    if len(words) > 3 and last.lower() in JOINING and last.islower():
        return f"ends with the word \u201c{last}\u201d"
    # People who write no marks at all are not cut off.
    marked = re.search(r"\w[.!?][\s\"'”)]", answer[-TAIL:])
    prose = marked and len(words) >= LAST_LINE_WORDS and not re.match(r"[-*+•|#>]|\d+[.)]", last_line)
    if prose and end[-1].isalpha() and not last.startswith(("http", "www", "#")) and not last.isupper():
        return "ends in the middle of a sentence"
    return ""
