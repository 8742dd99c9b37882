"""Loss against carbon over the papers' model family, on today's device and on the one five years ahead."""

import marimo

__generated_with = "0.25.2"

app = marimo.App(app_title="Laws and carbon")


@app.cell
def _():
    import marimo as mo
    from matplotlib.figure import Figure

    import carbonscaling as cs

    return Figure, cs, mo


@app.cell
def _(mo):
    mo.md("""
    # Loss against carbon

    A larger model of the papers' family reaches a lower loss and emits more.
    Sizes that no setting trains within three months have no point.
    """)


@app.cell
def _(cs):
    sizes = (1536, 3072, 6144)
    curves = {
        years: cs.scale(cs.Scenario(law="paper_v2", device="b100", years_ahead=years), sizes) for years in (0.0, 5.0)
    }
    points = {
        years: [(p.answer.footprint.total_tco2e, p.loss) for p in curve if p.answer.feasible]
        for years, curve in curves.items()
    }
    return points, sizes


@app.cell
def _(Figure, points):
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for years, curve in points.items():
        axes.plot(*zip(*curve, strict=True), marker="o", label="today" if years == 0 else f"{years:g} years ahead")
    axes.set(xscale="log", xlabel="carbon (tCO2e)", ylabel="loss", title="The papers' family on B100")
    axes.legend()
    figure
    return (figure,)


if __name__ == "__main__":
    app.run()
