"""LLM judges: from a principle of the constitution and an interaction to a verdict, as if the judge were hostile."""
