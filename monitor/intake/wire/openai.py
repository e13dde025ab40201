"""OpenAI request/response logs: chat completions, legacy completions and the Responses API.

Read are `{"request", "response"}`, `{"input", "output"}`, `{"messages", "response"}` and one flat object with
`messages` and `choices`; a `body` wrapper (batch files, proxies) is opened on either side.
"""

from monitor.intake.wire.content import ROLES, call_text, content_of, message, messages, text_of
from monitor.intake.wire.draft import Draft, first
from monitor.intake.wire.jsontext import Json
from monitor.intake.wire.malformed import Reason, WireError, wrong_type
from monitor.intake.wire.native import usage_of

_OWN = frozenset(
    {
        "interaction_id",
        "conversation_id",
        "turn",
        "occurred_at",
        "timestamp",
        "created_at",
        "created",
        "model",
        "model_version",
        "deployment",
        "prompt_version",
        "tenant",
        "locale",
        "feedback",
        "finish_reason",
        "usage",
        "attributes",
        "metadata",
        "session_id",
        "thread_id",
        "user",
        "id",
        "object",
        "request",
        "response",
        "input",
        "output",
        "messages",
        "choices",
        "prompt",
        "instructions",
        "conversation",
        "tools",
        "functions",
        "body",
        "completion",
    }
)


def matches(document: dict[str, Json]) -> bool:
    """Whether the shape is a request/response log and not our own format."""
    if "request" in document or "choices" in document:
        return True
    if "messages" in document:
        return ("response" in document or "output" in document) and not _answered(document["messages"])
    return "output" in document and "input" in document


def read(document: dict[str, Json], notes: list[str]) -> Draft:
    """The draft of one request/response log. Raises WireError."""
    request = _side(document, ("request", "input"))
    response = _side(document, ("response", "output", "completion"))
    # A bare list or string beside the top level's other members: the Responses API's own spelling.
    asked = request if isinstance(request, dict) else document
    answered = response if isinstance(response, dict) else {}
    metadata = _mapping(asked.get("metadata"), "metadata") | _mapping(document.get("metadata"), "metadata")

    draft = Draft(_asked(asked, request, notes))
    answer, choice = _answer(document, response, notes)
    draft.messages.extend(answer)

    def either(*names: str) -> Json:
        return first(*(place.get(name) for place in (document, metadata, asked) for name in names))

    draft.interaction_id = first(document.get("interaction_id"), answered.get("id"), document.get("id"))
    draft.conversation_id = first(
        either("conversation_id", "session_id", "thread_id"),
        _conversation(asked.get("conversation")),
        _conversation(answered.get("conversation")),
    )
    draft.turn = either("turn")
    draft.occurred_at = first(
        either("occurred_at", "timestamp"),
        answered.get("created"),
        answered.get("created_at"),
        either("created", "created_at"),
    )
    draft.model_name = first(asked.get("model"), document.get("model"), answered.get("model"))
    draft.model_version = either("model_version")
    if draft.model_version is None and answered.get("model") != draft.model_name:
        draft.model_version = answered.get("model")
    draft.deployment = either("deployment")
    draft.prompt_version = either("prompt_version")
    draft.tenant = either("tenant")
    draft.locale = either("locale")
    draft.user = first(either("user_id", "user", "safety_identifier"))
    draft.feedback = either("feedback")
    draft.finish_reason = first(choice.get("finish_reason"), document.get("finish_reason"))
    usage = first(answered.get("usage"), document.get("usage"))
    if usage is not None:
        draft.input_tokens, draft.output_tokens = usage_of(usage, "usage")
    sources = (_mapping(document.get("attributes"), "attributes"), metadata, document, asked)
    draft.attributes = [
        (name, value)
        for source in sources
        for name, value in source.items()
        if name not in _OWN and not isinstance(value, dict | list)
    ]
    return draft


def _side(document: dict[str, Json], names: tuple[str, ...]) -> Json:
    """The request or the response, out of its `body` wrapper."""
    side = next((document[name] for name in names if document.get(name) is not None), None)
    if isinstance(side, dict) and isinstance(side.get("body"), dict):
        return side["body"]
    return side


def _mapping(value: Json, where: str) -> dict[str, Json]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong_type(where, "an object", value)
    return value


def _answered(items: Json) -> bool:
    last = items[-1] if isinstance(items, list) and items else None
    role = last.get("role") if isinstance(last, dict) else None
    return isinstance(role, str) and ROLES.get(role) == "assistant"


def _conversation(value: Json) -> Json:
    return value.get("id") if isinstance(value, dict) else value


def _asked(asked: dict[str, Json], request: Json, notes: list[str]) -> list[dict[str, str]]:
    """The messages that led to the answer."""
    result = []
    instructions = asked.get("instructions")
    if isinstance(instructions, str) and instructions:
        result.append({"role": "system", "content": instructions})
    if asked.get("messages") is not None:
        return result + messages(asked["messages"], "request.messages", notes)
    body = request if isinstance(request, str | list) else first(asked.get("input"), asked.get("prompt"))
    if body is None:
        raise WireError(Reason.MISSING_FIELD, "request.messages is missing")
    if isinstance(body, list):
        return result + _items(body, "request.input", notes)
    return [*result, {"role": "user", "content": text_of(body, "request.input", notes)}]


def _items(items: list[Json], where: str, notes: list[str]) -> list[dict[str, str]]:
    """The Responses API's list: messages among tool calls, their results and reasoning."""
    result = []
    for index, item in enumerate(items):
        path = f"{where}[{index}]"
        kind = item.get("type") if isinstance(item, dict) else None
        if isinstance(item, str):
            result.append({"role": "user", "content": item})
        elif kind in (None, "message"):
            result.append(message(item, path, notes))
        elif kind == "reasoning":
            notes.append("reasoning")
        elif isinstance(kind, str) and kind.endswith("_output"):
            result.append({"role": "tool", "content": text_of(item.get("output"), f"{path}.output", notes)})
        elif isinstance(kind, str) and kind.endswith("_call"):
            result.append({"role": "assistant", "content": call_text(item)})
        else:
            result.append({"role": "user", "content": text_of(item, path, notes)})
    return result


def _answer(
    document: dict[str, Json], response: Json, notes: list[str]
) -> tuple[list[dict[str, str]], dict[str, Json]]:
    """The assistant's message, and the choice it stood in (for its finish reason)."""
    source = response if isinstance(response, dict) else document
    choices = source.get("choices")
    if choices is not None:
        return _choice(choices, notes)
    if isinstance(response, str):
        return [_assistant(response)], {}
    if isinstance(response, list):
        return _joined(response, "output", notes), {}
    if isinstance(response, dict):
        if isinstance(response.get("output"), list):
            return _joined(response["output"], "response.output", notes), _status(response)
        if isinstance(response.get("message"), dict):
            response = response["message"]
        if any(name in response for name in ("content", "parts", "tool_calls", "refusal")):
            return [_assistant(content_of(response, "response", notes))], response
    return [], {}


def _status(response: dict[str, Json]) -> dict[str, Json]:
    """The Responses API has no finish reason: why it is incomplete, or its status."""
    details = response.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    return {"finish_reason": first(reason, response.get("status"))}


def _choice(choices: Json, notes: list[str]) -> tuple[list[dict[str, str]], dict[str, Json]]:
    if not isinstance(choices, list):
        raise wrong_type("response.choices", "a list", choices)
    if not choices:
        return [], {}
    if len(choices) > 1:
        notes.append("choices")
    choice = choices[0]
    if not isinstance(choice, dict):
        raise wrong_type("response.choices[0]", "an object", choice)
    where = "response.choices[0].message"
    if isinstance(choice.get("message"), dict):
        return [_assistant(content_of(choice["message"], where, notes))], choice
    if isinstance(choice.get("text"), str):
        return [_assistant(choice["text"])], choice
    raise WireError(Reason.MISSING_FIELD, f"{where} is missing")


def _joined(items: list[Json], where: str, notes: list[str]) -> list[dict[str, str]]:
    """Several output items of one response are one answer."""
    typed = [item if isinstance(item, str) else _as_assistant(item) for item in items]
    pieces = [entry["content"] for entry in _items(typed, where, notes)]
    return [_assistant("\n".join(piece for piece in pieces if piece))] if items else []


def _as_assistant(item: Json) -> Json:
    return {"role": "assistant", **item} if isinstance(item, dict) else item


def _assistant(content: str) -> dict[str, str]:
    return {"role": "assistant", "content": content}
