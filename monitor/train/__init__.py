"""Training of the small heads: data made here, features, fits and model cards."""
