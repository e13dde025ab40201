"""The three wire formats: a JSON document in, the same plain `Draft` out of each."""
