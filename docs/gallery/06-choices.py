"""Places and devices together: carbon against cost, with intervals; coloured points are on the front."""

import carbonscaling as cs

run = cs.Scenario(model="llama-3-8b", tokens=1e12, max_days=30)
figure = cs.plot(cs.choices(run, regions=["us-east5", "europe-north1", "germany"], devices=["h100-sxm", "h200"]))
