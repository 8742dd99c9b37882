"""How long a training step takes and what fits: closed formulas on floats or arrays, in SI units."""
