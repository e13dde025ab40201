"""Numbers, durations and times as people of a language write them."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.review.words import Language, Words

THIN = "\N{NARROW NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Formats:
    """Writes values for one language. Times are ISO 8601 in UTC in every language: nobody mistakes them."""

    language: Language

    def number(self, value: float, digits: int = 0) -> str:
        """Write a number with grouped thousands."""
        text = f"{value:,.{digits}f}"
        return text.translate(str.maketrans(",.", ".,")) if self.language == "tr" else text

    def percent(self, share: float | None) -> str:
        """Write a share; small ones with more digits, and never 0 or 100 for what only comes near it."""
        if share is None or math.isnan(share):
            return "–"
        value = 100.0 * share
        if 0.0 < value < 0.001:
            return "<" + self._percent(0.001, 3)
        if 99.95 <= value < 100.0:
            return ">" + self._percent(99.9, 1)
        digits = 0 if value in {0.0, 100.0} else 1 if value >= 1.0 else 2 if value >= 0.1 else 3
        return self._percent(value, digits)

    def round_percent(self, share: float) -> str:
        """Write a share that was chosen, not measured: 95, not 95.0."""
        digits = next((n for n in range(4) if round(100.0 * share, n) == round(100.0 * share, 6)), 4)
        return self._percent(100.0 * share, digits)

    def interval(self, low: float, high: float) -> str:
        """Write an interval of shares."""
        return f"{self.percent(low)} – {self.percent(high)}"

    def probability(self, value: float) -> str:
        """Write a probability with the digits that tell it apart."""
        return self.number(value, 4).rstrip("0").rstrip(",.") if value >= 0.0001 else f"{value:.2e}"

    def moment(self, when: datetime) -> str:
        """Write a moment to the second."""
        return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")

    def minute(self, seconds: int) -> str:
        """Write a moment, given in seconds since 1970, to the minute."""
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")

    def iso(self, when: datetime) -> str:
        """Write a moment for machines."""
        return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def duration(self, seconds: float) -> str:
        """Write a duration in its largest fitting unit."""
        words = Words(self.language)
        seconds = max(0.0, seconds)
        for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
            if seconds >= 2 * length:
                return words(f"unit.{unit}", n=self.number(seconds / length))
        return words("unit.s", n=self.number(seconds, 0 if seconds >= 10 else 1))

    def size(self, size: int) -> str:
        """Write a number of bytes."""
        if size < 1024:
            return f"{size}{THIN}B"
        if size < 1024 * 1024:
            return f"{self.number(size / 1024, 1)}{THIN}KiB"
        return f"{self.number(size / 1024 / 1024, 1)}{THIN}MiB"

    def _percent(self, value: float, digits: int) -> str:
        text = self.number(value, digits)
        return f"%{text}" if self.language == "tr" else f"{text}{THIN}%"
