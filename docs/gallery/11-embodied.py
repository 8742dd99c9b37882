"""When making the hardware counts: shares of operation and making over the grid's carbon intensity."""

import numpy as np
from matplotlib.figure import Figure

import carbonscaling as cs

grams = np.array([5, 10, 20, 50, 100, 200, 400, 800])
run = {"model": "llama-3-8b", "tokens": 1e12, "devices": 64}
found = [cs.estimate(cs.Scenario(carbon_intensity_g_per_kwh=float(g), **run)).footprint for g in grams]
figure = Figure(figsize=(7, 4), layout="constrained")
axes = figure.subplots()
axes.stackplot(
    grams,
    [f.operational_tco2e / f.total_tco2e for f in found],
    [f.embodied_tco2e / f.total_tco2e for f in found],
    labels=["operation", "making"],
    colors=["#2f7f8c", "#b9783a"],
)
axes.set(xscale="log", xlabel="carbon intensity, g/kWh", ylabel="share of the carbon", xlim=(5, 800), ylim=(0, 1))
axes.legend(loc="lower right")
