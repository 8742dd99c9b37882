"""Which setting is best: the space, its constraints, and an exhaustive search over it."""
