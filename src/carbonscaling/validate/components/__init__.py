"""The model's parts, each held to measurements of that part alone."""
