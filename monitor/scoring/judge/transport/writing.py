"""Requests as bytes. What is the same in each (rubric, schema, options) is written once: it is most of a request."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from monitor.scoring.judge.call import Prompt

# Keeps the order of keys: models answer in the order of the schema.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_PLACE = f"the user's part {secrets.token_hex(16)}"
MOST_FORMS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class _Form:
    schema: dict[str, Any]
    before: bytes
    after: bytes


class Writer:
    """Writes the prompts of one endpoint.

    A form is kept by the system part and the very object that the schema is (equal ones can differ in their order), so
    a schema is not to be changed once it was given here.
    """

    def __init__(self, request: Callable[[Prompt], dict[str, Any]]) -> None:
        """`request` gives the body of a prompt: the user's part stands in it once, whole, and nothing depends on it."""
        self._request = request
        self._forms: dict[str, _Form] = {}

    def write(self, prompt: Prompt) -> bytes:
        """Give the body as compact JSON in UTF-8; a lone surrogate becomes a question mark."""
        form = self._forms.get(prompt.system)
        if form is None or form.schema is not prompt.schema:
            form = self._form(prompt)
        return form.before + _bytes(prompt.user) + form.after

    def forget(self) -> None:
        """Ask for bodies anew: how they are put has changed."""
        self._forms.clear()

    def _form(self, prompt: Prompt) -> _Form:
        body = self._request(Prompt(system=prompt.system, user=_PLACE, schema=prompt.schema))
        before, _, after = _bytes(body).partition(_bytes(_PLACE))
        if len(self._forms) >= MOST_FORMS:
            self.forget()
        form = _Form(schema=prompt.schema, before=before, after=after)
        self._forms[prompt.system] = form
        return form


def _bytes(value: object) -> bytes:
    return _ENCODER.encode(value).encode("utf-8", "replace")
