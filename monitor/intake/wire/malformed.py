"""Why a record is not an interaction: the closed set of reasons that dead letters are counted by."""

from dataclasses import dataclass
from enum import StrEnum

from monitor.errors import Poison


class Reason(StrEnum):
    """One code a cause; a code is never renamed, dashboards and runbooks count by it."""

    NULL_VALUE = "null_value"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    DUPLICATE_KEY = "duplicate_key"
    BAD_NUMBER = "bad_number"
    NOT_OBJECT = "not_object"
    UNKNOWN_FORMAT = "unknown_format"
    SEVERAL_SPANS = "several_spans"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    NO_MESSAGES = "no_messages"
    NO_ANSWER = "no_answer"
    EMPTY_CONVERSATION = "empty_conversation"


@dataclass(frozen=True, kw_only=True, slots=True)
class Malformed:
    """A record that can never be scored. `detail` is one line for people and holds no text of any user."""

    reason: Reason
    detail: str


class WireError(Poison):
    """Raised by the readers, caught by `decode`; the message holds no text of any user."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """Keep the code beside the sentence."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def kind_of(value: object) -> str:
    """JSON's own name for a value's type, for details."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"


def wrong_type(where: str, expected: str, got: object) -> WireError:
    """`where` is the field's path, `expected` a phrase such as 'a string'."""
    return WireError(Reason.WRONG_TYPE, f"{where} must be {expected}, not {kind_of(got)}")
