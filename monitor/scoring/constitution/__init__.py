"""The constitution: the written principles that say what judges look for, how they decide, and what is too much."""

from monitor.scoring.constitution.load import load, parse
from monitor.scoring.constitution.model import Constitution, Example, Label, Localised, Principle

__all__ = ["Constitution", "Example", "Label", "Localised", "Principle", "load", "parse"]
