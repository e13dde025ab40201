"""The coverage plot, as SVG: one dot a cell of the grid, rows by labels and rate, the aim as a band."""

from collections.abc import Sequence
from typing import Protocol

COLOURS = {"good": "#0072b2", "weak": "#009e73", "useless": "#999999", "inverted": "#d55e00"}
LEFT, TOP, WIDTH, ROW = 190, 60, 560, 30
LOWEST = 0.90


class Covered(Protocol):
    """A cell as far as it is drawn."""

    @property
    def rate(self) -> float: ...  # noqa: D102

    @property
    def labels(self) -> int: ...  # noqa: D102

    @property
    def classifier(self) -> str: ...  # noqa: D102

    @property
    def coverage(self) -> float: ...  # noqa: D102


def plot(cells: Sequence[Covered], *, aim: tuple[float, float], repeats: int) -> str:
    """Draw the cells; coverage below 0.90 sits on the left edge."""
    rows = sorted({(cell.labels, cell.rate) for cell in cells})
    bottom = TOP + ROW * len(rows)
    left, width, middle = _x(aim[0]), _x(aim[1]) - _x(aim[0]), _x(0.95)
    size = f'width="{LEFT + WIDTH + 40}" height="{bottom + 60}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="20" font-size="14">Coverage of nominal 95 % intervals, {repeats} windows a dot</text>',
        f'<rect x="{left:.1f}" y="{TOP}" width="{width:.1f}" height="{bottom - TOP}" fill="#e5f0e5"/>',
        f'<line x1="{middle:.1f}" x2="{middle:.1f}" y1="{TOP}" y2="{bottom}" stroke="#444" stroke-dasharray="4 3"/>',
    ]
    for n, (name, colour) in enumerate(COLOURS.items()):
        x = LEFT + 130 * n
        lines += [
            f'<circle cx="{x}" cy="40" r="4" fill="{colour}"/>',
            f'<text x="{x + 9}" y="44">{name} classifier</text>',
        ]
    for n, row in enumerate(rows):
        y = TOP + ROW * (n + 0.5)
        lines.append(f'<text x="10" y="{y + 4:.1f}">{row[0]} labels, rate {100 * row[1]:g} %</text>')
        inside = [cell for cell in cells if (cell.labels, cell.rate) == row]
        for k, cell in enumerate(inside):
            spread = ROW * 0.7 * ((k + 0.5) / len(inside) - 0.5)
            lines.append(
                f'<circle cx="{_x(cell.coverage):.1f}" cy="{y + spread:.1f}" r="3" '
                f'fill="{COLOURS.get(cell.classifier, "black")}"/>'
            )
    for percent in range(round(100 * LOWEST), 101):
        lines.append(f'<text x="{_x(percent / 100):.1f}" y="{bottom + 20}" text-anchor="middle">{percent}</text>')
    lines += [f'<text x="{LEFT + WIDTH / 2}" y="{bottom + 42}" text-anchor="middle">% of intervals</text>', "</svg>"]
    return "\n".join(lines) + "\n"


def _x(coverage: float) -> float:
    return LEFT + WIDTH * (max(coverage, LOWEST) - LOWEST) / (1.0 - LOWEST)
