"""Trained heads on shared sentence embeddings: small, calibrated, in English and Turkish (DESIGN §7)."""
