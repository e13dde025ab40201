"""YAML as a tree that knows its lines: bounded in size and depth, no tags, no key twice, every scalar a text.

Scalars stay as they are written, so that a label may be called `no` and a version may be 1.10; what is to be a number
is made one by the field that it is for.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_DEPTH = 20
MAX_CHARACTERS = 1_000_000
"""Of the whole tree with each alias written out: this is what stops an alias bomb."""
NODE_CHARACTERS = 50
"""What a value costs besides its own characters: this bounds how many there are, and so the time."""

_NULLS = {"", "~", "null", "Null", "NULL"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Flaw:
    """Something wrong in the file."""

    line: int
    """From 1."""
    what: str


@dataclass(kw_only=True, slots=True)
class Node:
    """A value: text, nothing, a list of nodes, or nodes by key."""

    line: int
    """Where it begins, from 1."""
    value: "str | list[Node] | dict[str, Node] | None" = None
    key_lines: dict[str, int] = field(default_factory=dict)
    weight: int = NODE_CHARACTERS
    """Characters, aliases written out."""

    def plain(self) -> Any:
        """Give the value without lines."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        return [node.plain() for node in self.value] if isinstance(self.value, list) else self.value

    def line_of(self, path: Sequence[str | int]) -> int:
        """Give the line of what stands at a path; of the nearest thing around it where nothing does."""
        node, line = self, self.line
        for part in path:
            if isinstance(node.value, dict) and part in node.value:
                line, node = node.key_lines[str(part)], node.value[str(part)]
            elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.line
            else:
                break
        return line


class Unreadable(Exception):  # noqa: N818 - it carries flaws, which are made into one error for people
    """The text is no tree that can be used."""

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        """Keep what is wrong."""
        super().__init__(f"{len(flaws)} flaws")
        self.flaws = tuple(flaws)


def read(text: str) -> tuple[Node, tuple[Flaw, ...]]:
    """Read one document; flaws that leave a tree (a key twice, a tag) come beside it.

    Raises:
        Unreadable: there is no tree.
    """
    control = _CONTROL.search(text)
    if control:
        line = text.count("\n", 0, control.start()) + 1
        raise Unreadable([Flaw(line=line, what="holds a control character; remove it")])
    # Never the one in C, which is faster and reads other texts: a file must be good on every machine or on none.
    loader = yaml.SafeLoader(text)
    try:
        return _Composer(loader).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise Unreadable([Flaw(line=line, what=_syntax(text, line, error.problem or "it breaks off"))]) from None
    except yaml.YAMLError as error:
        raise Unreadable([Flaw(line=1, what=f"is not YAML ({type(error).__name__}); save it as UTF-8 text")]) from None
    finally:
        loader.dispose()


def _syntax(text: str, line: int, problem: str) -> str:
    lines = text.splitlines()
    if line <= len(lines) and "\t" in lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]:
        return "is indented with a tab; use spaces"
    if "'?'" in problem:
        return "has a text with `?` within `{ }` or `[ ]`, which needs quotes there"
    return (
        f"cannot be read as YAML ({problem}); look at this line and the one before it: the indentation, a quote that "
        "is not closed, or a text with `: ` or ` #` in it, which needs quotes"
    )


class _Composer:
    """Makes nodes of the parser's events; recursion is as deep as `MAX_DEPTH` at most."""

    def __init__(self, events: Any) -> None:
        self._events = events
        self._anchors: dict[str, Node | None] = {}
        self._flaws: list[Flaw] = []

    def document(self) -> tuple[Node, tuple[Flaw, ...]]:
        self._events.get_event()
        if self._events.check_event(yaml.StreamEndEvent):
            raise Unreadable([Flaw(line=1, what="the file is empty; begin with `name:`, `version:` and `principles:`")])
        self._events.get_event()
        root = self._node(self._events.get_event(), 0)
        self._events.get_event()
        if not self._events.check_event(yaml.StreamEndEvent):
            line = self._events.peek_event().start_mark.line + 1
            raise Unreadable([Flaw(line=line, what="a second document begins here; keep one, without `---` after it")])
        return root, tuple(self._flaws)

    def _node(self, event: Any, depth: int) -> Node:
        line = event.start_mark.line + 1
        if depth > MAX_DEPTH:
            raise Unreadable([Flaw(line=line, what=f"is nested deeper than {MAX_DEPTH} levels; write it flat")])
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, line)
        if event.tag is not None:
            self._flaws.append(Flaw(line=line, what=f"has the tag {event.tag[:40]!r}; tags are not read, remove it"))
        if event.anchor:
            # Open until it is complete: a value cannot hold itself.
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node = Node(line=line, value=None if not event.style and event.value in _NULLS else event.value)
            self._grow(node, len(event.value))
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._list(line, depth)
        else:
            node = self._mapping(line, depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, name: str, line: int) -> Node:
        node = self._anchors.get(name)
        if node is None:
            what = (
                "stands inside what it repeats" if name in self._anchors else "repeats what was never marked with `&`"
            )
            raise Unreadable([Flaw(line=line, what=f"the alias *{name[:40]} {what}; write the value out")])
        return Node(line=line, value=node.value, key_lines=node.key_lines, weight=node.weight)

    def _list(self, line: int, depth: int) -> Node:
        items: list[Node] = []
        node = Node(line=line, value=items)
        while not isinstance(event := self._events.get_event(), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
            self._grow(node, items[-1].weight)
        return node

    def _mapping(self, line: int, depth: int) -> Node:
        values: dict[str, Node] = {}
        node = Node(line=line, value=values)
        while not isinstance(event := self._events.get_event(), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(self._events.get_event(), depth + 1)
            self._grow(node, key.weight + value.weight)
            if isinstance(key.value, (list, dict)):
                self._flaws.append(Flaw(line=key.line, what="a list or block stands where a field's name belongs"))
                continue
            name = key.value or ""
            if name in values:
                first = node.key_lines[name]
                what = f"`{name[:60]}` stands twice in one block, first in line {first}; keep one of the two"
                self._flaws.append(Flaw(line=key.line, what=what))
                continue
            values[name], node.key_lines[name] = value, key.line
        return node

    def _grow(self, node: Node, by: int) -> None:
        node.weight += by
        if node.weight > MAX_CHARACTERS:
            what = f"holds too much with its aliases written out (over {MAX_CHARACTERS:,} characters); write less"
            raise Unreadable([Flaw(line=node.line, what=what)])
