"""What judges may cost: reserved before a call in one atomic step across all workers, settled after it."""
