"""Makes the traffic: chat turns in our own wire format, all of one size, four turns a conversation.

A message is a pure function of its number, so that processes can share the work of sending them.
"""

import json
from functools import cache
from hashlib import blake2b
from uuid import UUID

TURNS = 4
"""Messages a conversation."""
MESSAGE_BYTES = 1200
HISTORY = 6
"""Chat messages that are sent along at most, as producers that cut the history do."""
VARIANTS = 8
LANGUAGES = ("en", "tr")

_ID = "@" * 36
"""Stands where a UUID goes."""

_SAID = {
    "en": (
        "I moved to a smaller flat last month and the rent is still more than I planned for.",
        "Start with the fixed costs, and write down what each one is for.",
        "Which of these could I drop first without breaking a contract?",
        "The two subscriptions that overlap; both can be cancelled by the end of the month.",
        'She wrote "call me when you land", and I never did.',
        "The letter from the bank names a later date than the one we talked about.",
        "Compare the dates on it with the ones above, and keep the later one.",
        "Thanks, that makes the order of the steps clear to me.",
        "A short list is enough; two lines a day keep the habit alive.",
    ),
    "tr": (
        "Geçen ay daha küçük bir eve taşındım ama kira hâlâ düşündüğümden fazla.",
        "Önce sabit giderleri yazın; her birinin yanına ne için olduğunu not edin.",
        "Sözleşmeyi bozmadan hangisini ilk olarak bırakabilirim?",
        "Aynı işi gören iki aboneliği; ikisi de ay sonuna kadar iptal edilebilir.",
        'Mesajda "inince beni ara" demişti, ben de aramadım.',
        "Bankadan gelen yazıda konuştuğumuzdan daha geç bir tarih var.",
        "Yazıdaki tarihleri yukarıdakilerle karşılaştırın ve geç olanı esas alın.",
        "Teşekkürler, adımların sırası şimdi daha açık.",
        "Kısa bir liste yeter; günde iki satır alışkanlığı sürdürür.",
    ),
}
_PUSHBACK = {"en": "Are you sure? That is not what they told me.", "tr": "Emin misin? Bana öyle demediler."}
_REFUSAL = {"en": "I'm not able to read that letter.", "tr": "Üzgünüm, o yazıyı göremiyorum."}
_REST = "Keep the receipts of the first weeks and look at them together on a quiet evening. "


def message(number: int) -> tuple[bytes, bytes]:
    """Give the record key and the record value of message `number`."""
    conversation, turn = divmod(number, TURNS)
    head, middle, tail = _template(LANGUAGES[conversation % 2], turn, conversation // 2 % VARIANTS)
    key = conversation_id(conversation).encode()
    return key, b"".join((head, _uuid(b"interaction", number).encode(), middle, key, tail))


def conversation_id(conversation: int) -> str:
    """Give the id of a conversation, shaped as most producers do: a UUID."""
    return _uuid(b"conversation", conversation)


def partition(number: int, partitions: int) -> int:
    """Give the partition of message `number`: all turns of a conversation share one, as they would by key."""
    return number // TURNS % partitions


def _uuid(what: bytes, number: int) -> str:
    return str(UUID(bytes=blake2b(b"%s %d" % (what, number), digest_size=16).digest()))


@cache
def _template(language: str, turn: int, variant: int) -> tuple[bytes, bytes, bytes]:
    """Give a message cut where its two ids go, padded to `MESSAGE_BYTES`."""
    said = _SAID[language]
    count = min(2 * (turn + 1), HISTORY)
    lines = [[said[(variant + n) % len(said)]] for n in range(count)]
    # One message in 32 each: triggers are rare in real traffic, so most messages are searched in vain.
    if turn == TURNS - 1 and variant == 0:
        lines[-2][0] = _PUSHBACK[language]
    if turn == TURNS - 2 and variant == 1:
        lines[-1][0] = _REFUSAL[language]
    extra = 0
    while len(_encode(language, turn, variant, lines)) < MESSAGE_BYTES - 120:
        lines[extra % count].append(said[(variant + count + extra) % len(said)])
        extra += 1
    missing = MESSAGE_BYTES - len(_encode(language, turn, variant, lines))
    lines[-1][-1] += (" " + _REST * 2)[:missing]
    head, middle, tail = _encode(language, turn, variant, lines).split(_ID.encode())
    return head, middle, tail


def _encode(language: str, turn: int, variant: int, lines: list[list[str]]) -> bytes:
    body = {
        "interaction_id": _ID,
        "conversation_id": _ID,
        "turn": turn,
        "occurred_at": "2026-11-20T09:30:00.000Z",
        "messages": [{"role": ("user", "assistant")[n % 2], "content": " ".join(said)} for n, said in enumerate(lines)],
        "model": {"name": "atlas", "version": f"2026-11-{variant % 3 + 1:02d}"},
        "deployment": "prod-eu",
        "prompt_version": "support-v3",
        "tenant": f"tenant-{variant}",
        "locale": language,
        "user_id": f"user-{variant}",
        "feedback": variant % 2,
        "finish_reason": "stop",
        "usage": {"input_tokens": 184, "output_tokens": 61},
        "attributes": {"channel": "web"},
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
