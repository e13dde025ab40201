"""Stage: rows to honest numbers; pure functions of arrays, no database."""
