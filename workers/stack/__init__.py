"""The embedded stack: every part of the service as a separate process on this machine (DESIGN §12)."""
