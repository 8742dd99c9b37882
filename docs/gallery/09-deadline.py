"""What a deadline costs: devices and carbon of the best plan."""

from matplotlib.figure import Figure

import carbonscaling as cs

days = (10, 15, 20, 30, 45, 60, 90, 120)
plans = [cs.plan(cs.Scenario(model="llama-3-70b", tokens=15e12, device="h100-sxm", max_days=d)) for d in days]
figure = Figure(figsize=(7, 5), layout="constrained")
top, bottom = figure.subplots(2, sharex=True)
top.loglog(days, [p.n_devices for p in plans], marker="o")
bottom.plot(days, [p.footprint.total_tco2e for p in plans], marker="o", color="#b9783a")
top.set(ylabel="devices")
bottom.set(xlabel="deadline, days", ylabel="carbon, tCO2e", ylim=0)
