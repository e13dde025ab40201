"""Reads `.sql` files made of named, described blocks (STYLE 10)."""

import re
from functools import cache
from importlib.resources import files

_HEAD = re.compile(r"^-- name: (\w+)\n((?:-- .*\n)+)", re.MULTILINE)


@cache
def blocks(file_name: str) -> dict[str, str]:
    """Give each block's statement by name, in file order.

    Raises:
        ValueError: two blocks have one name.
    """
    text = files("monitor.store").joinpath(file_name).read_text("utf-8")
    heads = list(_HEAD.finditer(text))
    found: dict[str, str] = {}
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        body = text[head.end() : following.start() if following else len(text)].strip().rstrip(";")
        if head[1] in found:
            raise ValueError(f"{file_name}: two blocks are named {head[1]!r}")
        found[head[1]] = body
    return found
