"""The model held to measurements: what rows state (here), then speed, parts alone, and carbon, a room each."""
