"""Size, tokens, devices, batch, place, start and serving decided together."""
