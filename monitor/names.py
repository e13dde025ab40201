"""Names that more than one part must agree on."""

PREFIX = "ALIGNMENT_MONITOR_"
"""How every environment variable of the service begins."""
