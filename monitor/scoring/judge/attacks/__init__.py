"""Planted attacks: transcripts that try to make a judge give the label that somebody wants, and how often they do."""

from monitor.scoring.judge.attacks.catalogue import ATTACKS, Case, cases
from monitor.scoring.judge.attacks.measure import Counts, Defences, Report, measure

__all__ = ["ATTACKS", "Case", "Counts", "Defences", "Report", "cases", "measure"]
