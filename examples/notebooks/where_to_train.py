"""One run in every cloud region of a provider and on several devices: time, carbon and its interval."""

import marimo

__generated_with = "0.25.2"

app = marimo.App(app_title="Where to train")


@app.cell
def _():
    import marimo as mo

    import carbonscaling as cs
    from carbonscaling.study.choices import Options, best, choices, front

    return Options, best, choices, cs, front, mo


@app.cell
def _(mo):
    mo.md("""
    # Where to train

    The same training in several places and on two devices.
    The setting is searched once for each device; the place changes energy's carbon, not the time.
    """)


@app.cell
def _(Options, choices, cs):
    scenario = cs.Scenario(model="llama-3-8b", tokens=1e12, devices=64, objective="time")
    options = Options(regions=("us-east5", "europe-north2", "asia-south1", "France"), devices=("h100-sxm", "a100-80"))
    found = choices(scenario, options)
    return found, options


@app.cell
def _(best, found, front):
    least = best(found, "total_tco2e")
    on_front = front(found)
    return least, on_front


@app.cell
def _(least, mo):
    mo.md(
        f"Least carbon: **{least.device} in {least.region}**, {least.total_tco2e:.2f} tCO2e in {least.days:.1f} days."
    )


@app.cell
def _(found, mo):
    rows = [
        {
            "region": c.region,
            "device": c.device,
            "days": round(c.days, 1),
            "tCO2e": round(c.total_tco2e, 2),
            "low": round(c.low_tco2e, 2),
            "high": round(c.high_tco2e, 2),
        }
        for c in sorted(found, key=lambda c: c.total_tco2e)
    ]
    mo.ui.table(rows, selection=None)
    return (rows,)


if __name__ == "__main__":
    app.run()
