"""Sample -> verdict."""
