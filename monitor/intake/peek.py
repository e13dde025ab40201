"""The conversation id of a raw record, without parsing it: for the many that will not be sampled."""

import re

from monitor.intake.redact import HARMLESS_ID, redact_id
from monitor.intake.wire.values import MAX_ID

# One top-level member after the other from the start of the document, each consumed whole and never given
# back (possessive), so that no text inside a string, object or list is ever taken for a member. Strings with
# escapes are walked as well; objects and lists only where they nest no deeper than a list of flat objects.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_SCALAR = rb"[\-+.0-9Ea-z]++"
_FLAT = rb"\{(?:" + _STRING + rb"|[^\"{}\[\]]++)*+\}"
_LIST = rb"\[(?:" + _STRING + rb"|" + _FLAT + rb"|[^\"{}\[\]]++)*+\]"
_SPACE = rb"[ \t\r\n]*+"
_MEMBER = (
    rb'"(?!conversation_id")[A-Za-z_]++"' + _SPACE + rb":" + _SPACE
    + rb"(?:" + _STRING + rb"|" + _SCALAR + rb"|" + _FLAT + rb"|" + _LIST + rb")" + _SPACE + rb"," + _SPACE
)  # fmt: skip
_CONVERSATION_ID = re.compile(
    _SPACE + rb"\{" + _SPACE + rb"(?>" + _MEMBER + rb")*+"
    rb'"conversation_id"' + _SPACE + rb":" + _SPACE
    + rb'"(?:((?!")(?:' + HARMLESS_ID.encode() + rb')(?="))|([!#-\[\]-~]++))"' + _SPACE + rb"[,}]",
    re.DOTALL,
)  # fmt: skip


def peek_conversation_id(value: bytes, key: bytes | None) -> str | None:  # noqa: ARG001 - the seam for keyed formats
    """The id exactly as `decode` and then `redact` give it, or None: cannot tell cheaply, do a full decode.

    Holds for records that decode, in every format, since a top-level `conversation_id` wins in all of them. A
    record that does not decode may give an id too: it is only sampled out, or found malformed when it is
    sampled.
    """
    match = _CONVERSATION_ID.match(value)
    if match is None:
        return None
    harmless, other = match.groups()
    if harmless is not None:
        return harmless.decode("ascii") if len(harmless) <= MAX_ID else None
    found = other.decode("ascii")
    return found if len(found) <= MAX_ID and redact_id(found) == found else None
