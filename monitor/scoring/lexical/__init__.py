"""Lexical scorers: phrase lists in English and Turkish, one dimension a file. Fast, explainable, and blunt."""
