"""Parts of the model, each held to measurements of that part alone."""
