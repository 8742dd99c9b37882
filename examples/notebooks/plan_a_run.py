"""From a model to a plan, with its breakdown and what would change it most."""

import marimo

__generated_with = "0.25.2"

app = marimo.App(app_title="Plan a run")


@app.cell
def _():
    import marimo as mo

    import carbonscaling as cs

    return cs, mo


@app.cell
def _(mo):
    mo.md("""
    # Plan a run

    How many devices train this model before the deadline, and what does that take?
    Change the scenario and everything below follows.
    """)


@app.cell
def _(cs):
    scenario = cs.Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", max_days=30, region="europe-north1")
    plan = cs.plan(scenario)
    return plan, scenario


@app.cell
def _(mo, plan):
    summary = plan.summary()
    mo.md(f"""
    **{summary["n_devices"]:,} devices for {summary["duration_days"]:.1f} days** at {100 * summary["mfu"]:.0f} % of the peak:
    {summary["device_hours"]:,.0f} device-hours, {summary["energy_kwh"] / 1000:,.1f} MWh,
    {summary["carbon_total_tco2e"]:,.2f} tCO2e
    (between {summary["carbon_low_tco2e"]:,.2f} and {summary["carbon_high_tco2e"]:,.2f}).
    """)
    return (summary,)


@app.cell
def _(mo, plan):
    step = plan.step._asdict()
    total = float(plan.step.total)
    causes = sorted(((float(s), name) for name, s in step.items() if s > 0), reverse=True)
    rows = [{"cause": name, "seconds": round(s, 4), "share": f"{100 * s / total:.1f} %"} for s, name in causes]
    mo.ui.table(rows, selection=None)
    return causes, total


@app.cell
def _(mo, plan):
    mo.md("## What would change it most")
    levers = [
        {"input": x.name, "from": x.low, "to": x.high, "answer apart": f"{100 * x.swing:.0f} %", "source": x.source}
        for x in plan.levers
    ]
    mo.ui.table(levers, selection=None)
    return (levers,)


if __name__ == "__main__":
    app.run()
