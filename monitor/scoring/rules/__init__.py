"""Rules: what can be read off an answer without judging it."""
