"""What a call costs and the most that it can cost, in millionths of a US dollar, rounded up.

A price in US dollars a million tokens is a price in millionths of a US dollar a token.
"""

import json
from fractions import Fraction
from math import ceil
from typing import Literal
from unicodedata import normalize

from monitor.scoring.judge.budget.model import MOST_MICRO_USD
from monitor.scoring.judge.call import Prompt, Usage
from monitor.scoring.judge.settings import JudgeEndpoint, Price

OVERHEAD_TOKENS = 1_024
"""What endpoints add to a request: marks of roles, and the instructions with which they ask for a form of the answer (a
few hundred tokens where that is done by a tool)."""
_FORMS: tuple[Literal["NFC", "NFKC", "NFD", "NFKD"], ...] = ("NFC", "NFKC", "NFD", "NFKD")


def cost(price: Price, usage: Usage) -> int:
    """Give what these tokens cost.

    The counts are the endpoint's own and nothing is believed of them: a negative one is none, no more input can have
    been cached than there was, and what would be more than `MOST_MICRO_USD` is that.
    """
    inputs, outputs = max(0, usage.input), max(0, usage.output)
    cached = min(max(0, usage.cached), inputs)
    exact = (
        (inputs - cached) * _exact(price.input)
        + cached * _exact(price.input if price.cached is None else price.cached)
        + outputs * _exact(price.output)
    )
    return min(ceil(exact), MOST_MICRO_USD)


def most_tokens(text: str) -> int:
    """Give a bound of the tokens of a text.

    Byte-level BPE, and SentencePiece with byte fallback, make at most one token of a byte of UTF-8, for every token
    stands for at least one. Some tokenizers normalise first, which can lengthen a text (U+FDFA, one character of 3
    bytes, becomes 18 characters of 33), so the longest of the four normal forms counts.
    """
    if text.isascii():
        return len(text)
    # A lone surrogate cannot be sent; what stands in its place is not longer than three bytes.
    return max(len(form.encode("utf-8", "surrogatepass")) for form in (text, *(normalize(f, text) for f in _FORMS)))


def most_of_a_try(endpoint: JudgeEndpoint, prompt: Prompt) -> int:
    """Give the most that one request can cost: every byte of input a token, and all output that it may give.

    The schema counts twice: some endpoints are told it in the prompt too. Nothing is taken to be cached.

    Raises:
        ValueError: the endpoint has no price.
    """
    if endpoint.price is None:
        raise ValueError(f"the judge {endpoint.name} has no price")
    schema = most_tokens(json.dumps(prompt.schema, ensure_ascii=True))
    inputs = most_tokens(prompt.system) + most_tokens(prompt.user) + 2 * schema + OVERHEAD_TOKENS
    dearest = max(endpoint.price.input, endpoint.price.cached or 0.0)
    return min(ceil(inputs * _exact(dearest) + endpoint.max_tokens * _exact(endpoint.price.output)), MOST_MICRO_USD)


def most_of_a_call(endpoint: JudgeEndpoint, prompt: Prompt) -> int:
    """Give the most that a call with all its tries can cost: a request that ran into its timeout may be billed too."""
    return min(endpoint.tries * most_of_a_try(endpoint, prompt), MOST_MICRO_USD)


def _exact(price: float) -> Fraction:
    # As it was written: 0.1 is a tenth.
    return Fraction(str(price))
