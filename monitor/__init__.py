"""Alignment Monitor: honest rates of how a production chatbot behaves.

The folders follow the data: intake, scoring, store, estimate, report, review.
A stage imports only from stages before it and from the modules at this level.
"""

__version__ = "0.1.0"
