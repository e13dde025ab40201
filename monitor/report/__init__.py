"""Numbers -> people: rates, status, checks, rollups."""
