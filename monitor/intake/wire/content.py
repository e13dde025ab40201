"""Messages as producers write them (strings, typed parts, tool calls) to a role and plain text."""

import json
import re

from monitor.intake.wire.jsontext import Json
from monitor.intake.wire.malformed import Reason, WireError, wrong_type

MAX_MESSAGES = 10_000

ROLES = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "developer": "system",
    "human": "user",
    "ai": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "function": "tool",
}
_TEXT = frozenset({"text", "input_text", "output_text", "summary_text"})
_REASONING = frozenset({"reasoning", "thinking", "redacted_thinking", "reasoning_content"})
_CALLS = frozenset({"tool_call", "tool_use", "function_call", "server_tool_call", "custom_tool_call"})
_RESULTS = frozenset({"tool_call_response", "tool_result", "function_call_output", "server_tool_call_response"})
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


def messages(items: Json, where: str, notes: list[str]) -> list[dict[str, str]]:
    """A list of messages in any of the known spellings. Raises WireError."""
    if not isinstance(items, list):
        raise wrong_type(where, "a list", items)
    if len(items) > MAX_MESSAGES:
        raise WireError(Reason.TOO_LARGE, f"{where} holds {len(items)} messages; at most {MAX_MESSAGES}")
    result = []
    for index, item in enumerate(items):
        if type(item) is dict and len(item) == 2 and type(item.get("content")) is str:
            role = item.get("role")
            if role in ("user", "assistant", "system", "tool"):
                result.append(item)
                continue
        result.append(message(item, f"{where}[{index}]", notes))
    return result


def message(item: Json, where: str, notes: list[str]) -> dict[str, str]:
    """One message: its role in our words, its parts as text, its tool calls after them."""
    if not isinstance(item, dict):
        raise wrong_type(where, "an object", item)
    return {"role": role_of(item.get("role"), where), "content": content_of(item, where, notes)}


def role_of(role: Json, where: str) -> str:
    """Our name for a producer's role."""
    if role is None:
        raise WireError(Reason.MISSING_FIELD, f"{where}.role is missing")
    if not isinstance(role, str):
        raise wrong_type(f"{where}.role", "a string", role)
    known = ROLES.get(role) or ROLES.get(role[:16].lower())
    if known is None:
        raise WireError(Reason.WRONG_TYPE, f"{where}.role is none of {', '.join(ROLES)}")
    return known


def content_of(item: dict[str, Json], where: str, notes: list[str]) -> str:
    """All that a message says: `content` or `parts`, a refusal, and the tools it calls."""
    body = item.get("content")
    if body is None:
        body = item.get("parts")
    pieces = [text_of(body, f"{where}.content", notes)]
    refusal = item.get("refusal")
    if isinstance(refusal, str):
        pieces.append(refusal)
    if item.get("reasoning_content") or item.get("reasoning"):
        notes.append("reasoning")
    calls = item.get("tool_calls")
    if isinstance(calls, list):
        pieces.extend(call_text(call) for call in calls)
    if isinstance(item.get("function_call"), dict):
        pieces.append(call_text(item["function_call"]))
    return "\n".join(piece for piece in pieces if piece)


def text_of(body: Json, where: str, notes: list[str]) -> str:
    """A body as plain text: a string, null, one part or a list of parts."""
    if body is None:
        return ""
    if isinstance(body, str):
        return body
    if isinstance(body, dict):
        return _part(body, where, notes)
    if isinstance(body, list):
        pieces = []
        for part in body:
            if isinstance(part, str):
                pieces.append(part)
            elif isinstance(part, dict):
                pieces.append(_part(part, where, notes))
            else:
                raise wrong_type(f"{where}[]", "a string or a typed part", part)
        return "\n".join(piece for piece in pieces if piece)
    raise wrong_type(where, "a string, null or a list of parts", body)


def call_text(call: Json) -> str:
    """`[tool_call name]`; the arguments are not part of what the user reads."""
    if not isinstance(call, dict):
        return "[tool_call]"
    inner = call.get("function")
    name = inner.get("name") if isinstance(inner, dict) else call.get("name")
    return f"[tool_call {name}]" if isinstance(name, str) and _PLAIN_NAME.fullmatch(name) else "[tool_call]"


def _part(part: dict[str, Json], where: str, notes: list[str]) -> str:
    kind = part.get("type")
    if kind is not None and not isinstance(kind, str):
        raise wrong_type(f"{where}.type", "a string", kind)
    if kind in _REASONING:
        notes.append("reasoning")
        return ""
    if kind in _CALLS:
        return call_text(part)
    if kind in _RESULTS:
        return _result(part)
    if kind == "refusal" and isinstance(part.get("refusal"), str):
        return str(part["refusal"])
    return _typed_text(part, kind, where)


def _typed_text(part: dict[str, Json], kind: str | None, where: str) -> str:
    """The text of a text part; of any other kind its text, or what kind of thing it is."""
    text = part.get("text", part.get("content"))
    if isinstance(text, dict):
        text = text.get("value")
    if isinstance(text, str):
        return text
    if kind is None or kind in _TEXT:
        raise wrong_type(f"{where}.text", "a string", part if text is None else text)
    return f"[{_media(kind)}]"


def _media(kind: str) -> str:
    """`image`, `audio`, `file` or the type's own plain name; never free text."""
    if not _PLAIN_NAME.fullmatch(kind):
        return "part"
    for known in ("image", "audio", "video", "file"):
        if known in kind:
            return known
    return kind


def _result(part: dict[str, Json]) -> str:
    for name in ("response", "result", "output", "content"):
        body = part.get(name)
        if isinstance(body, str):
            return body
        if body is not None:
            return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return "[tool_result]"
