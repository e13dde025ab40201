"""How harmful a request is, and what it is about: the request alone is judged, never the answer.

`harmful` ought to be refused; `borderline` is sensitive or of two uses, and can be answered with care; `harmless` is
all else, with look-alikes ("kill a process") in it. A short follow-up ("do it anyway") is read with the message before.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np

from monitor.intake.interaction import Interaction
from monitor.scoring import text
from monitor.scoring.classifiers import pooled
from monitor.scoring.classifiers.head import Head
from monitor.scoring.classifiers.weights import ARRAY, Weights, shipped
from monitor.scoring.embed import Matrix
from monitor.scoring.lexical.refusal import unsafe_sign
from monitor.scoring.lexicon import load
from monitor.scoring.reader import Reader, default_reader
from monitor.scoring.scorer import quote
from monitor.scoring.sentences import excerpt

CODE_VERSION = "1"
DIMENSION = "request_harm"
LABELS = ("harmless", "borderline", "harmful")
TOPICS = (
    "weapons",
    "drugs",
    "violence",
    "self_harm",
    "hacking",
    "fraud",
    "theft",
    "privacy",
    "hate",
    "harassment",
    "sexual",
    "disinformation",
    "extremism",
    "health",
    "law",
    "money",
    "politics",
    "technology",
    "home",
    "travel",
    "education",
    "work",
    "writing",
    "everyday",
)
"""What a request can be about."""
_SIGNS = (
    # Against harm: to prevent, to report, to understand it.
    (
        r"protect|prevent|avoid|report|recogni[sz]e|detect|defend|stop|quit|help a|support|understand|"
        r"explain (?:why|what|to)|"
        r"first aid|treat|remove|koru|önle|bildir|fark etmek|tanı|kaçın|bırak|destek|yardım etmek|"
        r"anlamak|tedavi|şikayet|ihbar"
    ),
    # What is one's own or allowed.
    r"my own|legal(?:ly)?\b|lawful|licen[sc]e|permission|safe(?:ly)?\b|kendi|yasal yol|ruhsat|izinli|güvenl",
    # Stealth.
    (
        r"without (?:\w+ ){0,3}(?:know|notic|trac|caught|detect|consent|permission|papers|question)|"
        r"secret|hidden|unnoticed|"
        r"undetect|untrace|anonym|get away with|look like an accident|gizli|iz bırakma|haberi olmadan|"
        r"yakalanma|fark etme|"
        r"fark ettirme|çaktırma|belgesiz|ruhsatsız|kimse|isimsiz|kaza süsü"
    ),
    # Who suffers.
    (
        r"\b(?:someone|somebody|people|stranger|victim|neighbou?r|wife|husband|girlfriend|boyfriend|"
        r"\bex\b|boss|colleague|"
        r"classmate|child|minor|teen|girl|elderly|old people|customers?|immigrants?|women|jews?|"
        r"muslims?)|birini|başkası|komşu|"
        r"karım|kocam|sevgili|patron|iş arkadaş|sınıf arkadaş|çocu|reşit|yaşlı|müşteri|göçmen|kadın|yabancı"
    ),
    # Forged and false things.
    (
        r"fake|forge|counterfeit|false|phish|scam|trick|deceiv|manipulat|launder|bribe|sahte|uydurma|"
        r"yalan|kandır|dolandır|"
        r"aldat|hile|rüşvet|akla|iftira"
    ),
    # Harm done.
    (
        r"kill|murder|hurt|harm|attack|poison|bomb|explos|weapon|steal|rob\b|hack|break into|blackmail|"
        r"threat|stalk|bully|"
        r"harass|rape|suicide|cut myself|öldür|zarar|saldır|zehir|bomba|patlayıcı|silah|çal(?:mak|ar|ın)|"
        r"soy(?:mak|gun)|hack|"
        r"sız(?:mak|ıp)|şantaj|tehdit|takip|zorbalı|taciz|tecavüz|intihar|kendimi kes|işkence|kaçır|yak(?:mak|ıp)"
    ),
    # Computers, kitchens, games, stories: where such words mean other things.
    r"python|linux|process|thread|script|java|server|database|code\b|git\b|software|süreç|işlem|kod|yazılım|veri taban",
    r"recipe|cook|kitchen|cake|garden|weeds|plants?|clean|tarif|pişir|mutfak|bahçe|temizle|çiçek",
    (
        r"game|novel|story|film|movie|poem|character|chess|song|play|oyun|roman|hikâye|hikaye|film|şiir|"
        r"karakter|satranç|şarkı"
    ),
    r"history|war\b|century|causes|why did|historical|research|statistics|tarih|savaş|yüzyıl|neden|araştırma",
    # Who asks for advice, and who orders.
    r"^(?:how|what's|what is|is|are|why|can|could|which|does|nasıl|ne|neden|hangi)\b",
    r"^(?:write|create|give|tell|make|design|develop|generate|provide|explain|describe|bana|yaz|anlat|hazırla)\b",
)
_LOOKS = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _SIGNS)
FOLLOW_UP_CHARACTERS = 40
"""A request shorter than this is read together with the user's message before it."""


def asked(interaction: Interaction) -> str:
    """Give what is judged: the user's last message, behind the one before it where it is a short follow-up."""
    said = [m.content for m in interaction.messages[:-1] if m.role == "user" and m.content.strip()]
    follows = len(said) > 1 and len(said[-1]) < FOLLOW_UP_CHARACTERS
    return "\n\n".join(said[-2:] if follows else said[-1:])


def sentences(request: str) -> tuple[str, ...]:
    """Give the sentences that are read; none of an empty request."""
    cut = excerpt(request)
    return cut.head + cut.tail


def features(request: str, embed: Callable[[Sequence[str]], Matrix]) -> tuple[ARRAY, ARRAY]:
    """Give the two inputs of `pooled.run`; the request must have a sentence."""
    read = sentences(request)
    vectors = embed(read)
    benign = load("unsafe_request")["benign"]
    signs = [
        [
            unsafe_sign(one) is not None,
            unsafe_sign(one, intents=True) is not None,
            benign.in_(text.stream(one)),
            one.endswith("?"),
            number == len(read) - 1,
            *(look.search(one) is not None for look in _LOOKS),
        ]
        for number, one in enumerate(read)
    ]
    rows = np.concatenate([vectors * pooled.SCALE, np.array(signs, dtype=np.float32)], axis=1)
    rest = np.array(
        [np.log1p(len(request)) / 4, np.log1p(len(read)), unsafe_sign(request, intents=True) is not None],
        dtype=np.float32,
    )
    return rows.astype(np.float32), rest


def harm_of(weights: Weights, request: str, embed: Callable[[Sequence[str]], Matrix]) -> ARRAY:
    """Give one number a label of `LABELS`, before calibration; a request without a word is harmless."""
    if not any(map(str.isalnum, request[: text.HEAD])):
        return np.array([10.0, -10.0, -10.0], dtype=np.float32)
    return pooled.run(weights.arrays, *features(request, embed))


def topic_of(weights: Weights, request: str, embed: Callable[[Sequence[str]], Matrix]) -> tuple[str, float]:
    """Give the topic and how sure that is, in [0, 1]; ("", 0) for a request without a word."""
    read = sentences(request)
    if not any(map(str.isalnum, request[: text.HEAD])):
        return "", 0.0
    raised = embed(read).mean(axis=0) @ weights.arrays["topic"] + weights.arrays["topic_bias"]
    powers = np.exp(raised - raised.max())
    best = int(powers.argmax())
    return TOPICS[best], float(powers[best] / powers.sum())


class RequestHarm(Head):
    """Labels harmless, borderline and harmful; the value is P(harmful) + P(borderline) / 2."""

    def __init__(
        self,
        *,
        weights: Weights | None = None,
        reader: Callable[[], Reader] = default_reader,
        abstain_below: float = 0.0,
    ) -> None:
        """Take the shipped weights, or others; raises ConfigError where they cannot be read."""
        super().__init__(
            name="head-harm",
            dimension=DIMENSION,
            code_version=CODE_VERSION,
            weights=weights or shipped("harm"),
            reader=reader,
            abstain_below=abstain_below,
            parameters={"text": text.VERSION, "phrases": load("unsafe_request").digest},
        )

    def texts(self, interaction: Interaction) -> Sequence[str]:
        """Give the sentences of the request."""
        return sentences(asked(interaction))

    def logits(self, interaction: Interaction, reader: Reader) -> ARRAY:
        """Give one number a label."""
        return harm_of(self.weights, asked(interaction), reader.embed)

    def value(self, probabilities: dict[str, float]) -> float:
        """Give P(harmful) + P(borderline) / 2."""
        return min(1.0, probabilities["harmful"] + 0.5 * probabilities["borderline"])

    def reason(self, interaction: Interaction, label: str, probabilities: dict[str, float]) -> str:
        """Name the topic and the words that stand on the list of unsafe ones."""
        request = asked(interaction)
        topic, sure = topic_of(self.weights, request, self._make_reader().embed)
        if not topic:
            return "no request in words"
        sign = unsafe_sign(request, intents=True)
        words = f"; has {quote(sign)}" if sign else ""
        return f"{label} ({probabilities[label]:.2f}), topic {topic} ({sure:.2f}){words}"
