"""How right a speed is: every measured training of the devices shown, predicted by a fit that never saw its source."""

from matplotlib.figure import Figure

from carbonscaling.evidence.left_out import shipped_left_out

rows = [row for row in shipped_left_out() if row.fold == "source"]
figure = Figure(figsize=(5.5, 5), layout="constrained")
axes = figure.subplots()
axes.loglog([r.measured for r in rows], [r.predicted for r in rows], ".", alpha=0.4, color="#2f7f8c")
ends = min(r.measured for r in rows), max(r.measured for r in rows)
axes.loglog(ends, ends, color="0.4", linewidth=0.8)
axes.set(xlabel="measured, tokens/s per device", ylabel="predicted")
