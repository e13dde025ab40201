"""OpenTelemetry GenAI spans (semantic conventions 1.41; newer and older names too), one span a record.

Attributes come as a flat object or as OTLP/JSON's list of `{"key", "value": {"stringValue"}}`; the span
alone, inside `resourceSpans` (or `resourceLogs`, for the event form), or its attributes alone.
"""

import re
from collections.abc import Iterator

from monitor.intake.wire.content import content_of, message, messages, text_of
from monitor.intake.wire.draft import Draft, first
from monitor.intake.wire.jsontext import Json, parse_embedded
from monitor.intake.wire.malformed import Reason, WireError, wrong_type

_WRAPPERS = {"resourceSpans": ("scopeSpans", "spans"), "resourceLogs": ("scopeLogs", "logRecords")}
_INDEXED = re.compile(r"gen_ai\.(prompt|completion)\.(\d{1,4})\.(role|content|finish_reason|tool_calls\.\d{1,3}\.name)")
_EVENT_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_TEXT_BEARING = (
    "gen_ai.input.",
    "gen_ai.output.",
    "gen_ai.prompt.",
    "gen_ai.completion.",
    "gen_ai.system_instr",
)
_STRUCTURE = frozenset({"attributes", "events", "context", "resource", "traceId", "spanId", "trace_id", "span_id"})
_TAKEN = frozenset(
    {
        "gen_ai.prompt",
        "gen_ai.completion",
        "gen_ai.conversation.id",
        "gen_ai.request.model",
        "gen_ai.response.model",
        "gen_ai.response.id",
        "gen_ai.response.finish_reasons",
        "gen_ai.tool.definitions",
        "session.id",
        "conversation_id",
        "interaction_id",
        "turn",
        "occurred_at",
        "deployment",
        "prompt_version",
        "tenant",
        "locale",
        "feedback",
    }
)


def matches(document: dict[str, Json]) -> bool:
    """Whether the shape is a span, its wrapper or its attributes."""
    if "resourceSpans" in document or "resourceLogs" in document or "messages" in document:
        return "messages" not in document
    if any(name.startswith("gen_ai.") for name in document):
        return True
    attributes = document.get("attributes")
    if isinstance(attributes, dict):
        return any(name.startswith("gen_ai.") for name in attributes)
    if isinstance(attributes, list):
        return True
    return isinstance(document.get("events"), list)


def read(document: dict[str, Json], notes: list[str]) -> Draft:
    """The draft of one span. Raises WireError."""
    span, resource = _span(document)
    found = dict(resource)
    if any(name.startswith("gen_ai.") for name in span):
        found |= {name: value for name, value in span.items() if name not in _STRUCTURE}
    if span.get("attributes") is not None:
        found |= _attributes(span["attributes"], "attributes")
    events = list(_events(span.get("events")))
    for name, attributes in events:
        if name not in _EVENT_ROLES and name != "gen_ai.choice":
            found |= {key: value for key, value in attributes.items() if key.startswith("gen_ai.")}

    draft = Draft(_instructions(found, notes))
    asked, answer, finish = _conversation(found, events, notes)
    draft.messages.extend(asked)
    draft.messages.extend(answer)

    def get(*names: str) -> Json:
        return first(*(found.get(name) for name in names))

    draft.interaction_id = first(get("gen_ai.response.id", "interaction_id"), _span_id(span))
    draft.conversation_id = first(
        document.get("conversation_id"), get("gen_ai.conversation.id", "session.id", "conversation_id")
    )
    draft.turn = get("turn")
    draft.occurred_at = first(
        get("occurred_at"), span.get("startTimeUnixNano"), span.get("start_time"), span.get("timeUnixNano")
    )
    draft.model_name = get("gen_ai.request.model", "gen_ai.response.model")
    answered_by = get("gen_ai.response.model")
    draft.model_version = answered_by if answered_by != draft.model_name else None
    draft.deployment = get("deployment", "deployment.environment.name", "deployment.environment", "service.name")
    draft.prompt_version = get("prompt_version", "gen_ai.prompt.version")
    draft.tenant = get("tenant", "tenant.id")
    draft.locale = get("locale")
    draft.user = get("enduser.id", "user.id", "enduser.pseudo.id", "gen_ai.user.id")
    draft.feedback = get("feedback")
    draft.finish_reason = first(finish, _finish(found.get("gen_ai.response.finish_reasons"), notes))
    draft.input_tokens = get("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
    draft.output_tokens = get("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
    draft.attributes = [
        (name, value)
        for name, value in found.items()
        if name not in _TAKEN and not name.startswith(_TEXT_BEARING) and not name.startswith("gen_ai.usage.")
    ]
    return draft


def _span(document: dict[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """The one span and its resource's attributes."""
    wrapper = next((name for name in _WRAPPERS if name in document), None)
    if wrapper is None:
        return document, {}
    scopes, spans = _WRAPPERS[wrapper]
    found = [
        (span, resource.get("resource"))
        for resource in _objects(document[wrapper], wrapper)
        for scope in _objects(resource.get(scopes, []), scopes)
        for span in _objects(scope.get(spans, []), spans)
    ]
    if len(found) != 1:
        raise WireError(
            Reason.SEVERAL_SPANS if found else Reason.MISSING_FIELD,
            f"{wrapper} holds {len(found)} {spans}; exactly one a record is read: set the exporter's batch size to 1",
        )
    span, resource = found[0]
    shared = resource.get("attributes") if isinstance(resource, dict) else None
    return span, _attributes(shared, "resource.attributes") if shared is not None else {}


def _objects(items: Json, where: str) -> Iterator[dict[str, Json]]:
    if not isinstance(items, list):
        raise wrong_type(where, "a list", items)
    for item in items:
        if not isinstance(item, dict):
            raise wrong_type(f"{where}[]", "an object", item)
        yield item


def _attributes(given: Json, where: str) -> dict[str, Json]:
    """Attributes as a flat object, from either spelling."""
    if isinstance(given, dict):
        return given
    result: dict[str, Json] = {}
    for item in _objects(given, where):
        name = item.get("key")
        if not isinstance(name, str):
            raise wrong_type(f"{where}[].key", "a string", name)
        if name in result:
            raise WireError(Reason.DUPLICATE_KEY, f"{where} has the same key twice: ambiguous")
        result[name] = _any_value(item.get("value"))
    return result


def _any_value(value: Json) -> Json:
    """OTLP's AnyValue as plain JSON; anything else as it is."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    (kind, inner), *_ = value.items()
    if kind in ("stringValue", "boolValue", "doubleValue", "intValue", "bytesValue"):
        return int(inner) if kind == "intValue" and isinstance(inner, str) and _is_int(inner) else inner
    if kind == "arrayValue" and isinstance(inner, dict):
        items = inner.get("values", [])
        return [_any_value(item) for item in items] if isinstance(items, list) else items
    if kind == "kvlistValue" and isinstance(inner, dict):
        return _attributes(inner.get("values", []), "kvlistValue")
    return value


def _is_int(text: str) -> bool:
    return text.isascii() and len(text) <= 20 and text.removeprefix("-").isdigit()


def _events(given: Json) -> Iterator[tuple[str, dict[str, Json]]]:
    if given is None:
        return
    for event in _objects(given, "events"):
        name = event.get("name")
        if isinstance(name, str):
            attributes = event.get("attributes")
            yield name, _attributes(attributes, "events[].attributes") if attributes is not None else {}


def _instructions(found: dict[str, Json], notes: list[str]) -> list[dict[str, str]]:
    name = "gen_ai.system_instructions"
    body = _structured(found.get(name), name, notes)
    text = text_of(body, name, notes)
    return [{"role": "system", "content": text}] if text else []


def _structured(value: Json, where: str, notes: list[str]) -> Json:
    """A structured attribute, which most SDKs send as a JSON string."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        return parse_embedded(value, where, notes)
    return value


def _conversation(
    found: dict[str, Json], events: list[tuple[str, dict[str, Json]]], notes: list[str]
) -> tuple[list[dict[str, str]], list[dict[str, str]], Json]:
    """What was asked, the answer, and its finish reason, from the newest names that are there."""
    asked: list[dict[str, str]] = []
    answers: list[dict[str, str]] = []
    finish: Json = None
    for name, into in (
        ("gen_ai.input.messages", asked),
        ("gen_ai.output.messages", answers),
        ("gen_ai.prompt", asked),
        ("gen_ai.completion", answers),
    ):
        if found.get(name) is None or into:
            continue
        body = _structured(found[name], name, notes)
        if isinstance(body, str):
            role = "user" if into is asked else "assistant"
            into.append({"role": role, "content": body})
            continue
        if into is answers and isinstance(body, list):
            body = [{"role": "assistant", **item} if isinstance(item, dict) else item for item in body]
            finish = body[0].get("finish_reason") if body and isinstance(body[0], dict) else None
        into.extend(messages(body, name, notes))
    if not asked or not answers:
        for older_asked, older_answers, older_finish in (_indexed(found), _from_events(events, notes)):
            asked, answers = asked or older_asked, answers or older_answers
            finish = first(finish, older_finish)
    if len(answers) > 1:
        notes.append("choices")
    return asked, answers[:1], finish


def _indexed(found: dict[str, Json]) -> tuple[list[dict[str, str]], list[dict[str, str]], Json]:
    """`gen_ai.prompt.0.role`, `gen_ai.completion.0.content` and their tool calls."""
    slots: dict[tuple[str, int], dict[str, Json]] = {}
    for name, value in found.items():
        if name.startswith("gen_ai.") and (match := _INDEXED.fullmatch(name)):
            slots.setdefault((match[1], int(match[2])), {})[match[3]] = value
    sides: dict[str, list[dict[str, str]]] = {"prompt": [], "completion": []}
    finish: Json = None
    for (side, index), slot in sorted(slots.items(), key=lambda pair: pair[0]):
        where = f"gen_ai.{side}.{index}"
        fallback = "user" if side == "prompt" else "assistant"
        role = first(slot.get("role"), fallback)
        calls = [{"name": value} for name, value in sorted(slot.items()) if name.startswith("tool_calls.")]
        entry: dict[str, Json] = {"role": role, "content": slot.get("content"), "tool_calls": calls}
        sides[side].append(message(entry, where, []))
        if side == "completion" and len(sides[side]) == 1:
            finish = slot.get("finish_reason")
    return sides["prompt"], sides["completion"], finish


def _from_events(
    events: list[tuple[str, dict[str, Json]]], notes: list[str]
) -> tuple[list[dict[str, str]], list[dict[str, str]], Json]:
    """`gen_ai.user.message` and its like, then `gen_ai.choice`."""
    asked: list[dict[str, str]] = []
    answers: list[dict[str, str]] = []
    finish: Json = None
    for name, attributes in events:
        if name in _EVENT_ROLES:
            asked.append({"role": _EVENT_ROLES[name], "content": content_of(attributes, name, notes)})
        elif name == "gen_ai.choice":
            inner = _structured(attributes.get("message"), name, notes)
            body = inner if isinstance(inner, dict) else {"content": first(inner, attributes.get("content"))}
            answers.append({"role": "assistant", "content": content_of(body, name, notes)})
            finish = first(finish, attributes.get("finish_reason"))
    return asked, answers, finish


def _finish(value: Json, notes: list[str]) -> Json:
    value = _structured(value, "gen_ai.response.finish_reasons", notes)
    return value[0] if isinstance(value, list) and value else value


def _span_id(span: dict[str, Json]) -> Json:
    """Trace and span together: the same on every re-export."""
    context = span.get("context")
    if isinstance(context, dict):
        trace, own = context.get("trace_id"), context.get("span_id")
    else:
        trace, own = (
            first(span.get("traceId"), span.get("trace_id")),
            first(span.get("spanId"), span.get("span_id")),
        )
    return f"{trace}-{own}" if isinstance(trace, str) and isinstance(own, str) and own else None
