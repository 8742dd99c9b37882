"""An answer as figures and tables: its parts, its front, other places, another device beside it."""

import marimo

__generated_with = "0.25.2"

app = marimo.App(app_title="Draw an answer")


@app.cell
def _():
    import marimo as mo

    import carbonscaling as cs

    return cs, mo


@app.cell
def _(cs, mo):
    scenario = cs.Scenario(model="llama-3-70b", tokens=2e12, device="h100-sxm", max_days=60, region="us-east5")
    answer = cs.plan(scenario)
    mo.vstack([mo.md("# Draw an answer"), mo.Html(answer._repr_html_())])
    return answer, scenario


@app.cell
def _(answer, cs, mo):
    parts = cs.plot(answer)
    mo.vstack([mo.md("## Where it goes"), parts])
    return (parts,)


@app.cell
def _(answer, cs, mo):
    front = cs.plot(answer, "front")
    mo.vstack([mo.md("## What is traded: every number is a count of devices"), front])
    return (front,)


@app.cell
def _(answer, cs, mo):
    places = cs.plot(answer, "places")
    mo.vstack([mo.md("## The same run elsewhere"), places])
    return (places,)


@app.cell
def _(answer, cs, mo, scenario):
    from dataclasses import replace

    other = cs.plan(replace(scenario, device="b200"))
    beside = cs.plot([answer, other])
    mo.vstack([mo.md("## Another device beside it"), beside])
    return beside, other


@app.cell
def _(cs, mo, scenario):
    found = cs.choices(scenario, regions=["us-east5", "europe-north1", "france"], devices=["h100-sxm", "h200"])
    mo.vstack([mo.md("## Choices, as a table and a figure"), mo.Html(found._repr_html_()), cs.plot(found)])
    return (found,)


if __name__ == "__main__":
    app.run()
