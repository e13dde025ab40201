"""Verdicts -> ClickHouse rows, and back."""
