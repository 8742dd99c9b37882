"""One training on what came since 2020: device-hours and energy, best setting each."""

from matplotlib.figure import Figure

import carbonscaling as cs

devices = ("a100-80", "h100-sxm", "h200", "b200", "mi300x")
run = {"model": "llama-3-70b", "tokens": 15e12, "max_days": 90}
plans = [cs.plan(cs.Scenario(device=device, **run)) for device in devices]
figure = Figure(figsize=(8, 3.6), layout="constrained")
for axes, name, values in zip(
    figure.subplots(1, 2),
    ("million device-hours", "energy, GWh"),
    ([p.device_hours / 1e6 for p in plans], [p.footprint.energy_kwh / 1e6 for p in plans]),
    strict=True,
):
    axes.barh(devices, values, color="#2f7f8c")
    axes.set_title(name, fontsize="medium")
    axes.invert_yaxis()
