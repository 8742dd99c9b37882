"""Two generations side by side, over the first: most differences are smaller than the intervals."""

import carbonscaling as cs

run = {"model": "llama-3-70b", "tokens": 15e12, "max_days": 60}
figure = cs.plot([cs.plan(cs.Scenario(device=device, **run)) for device in ("h100-sxm", "b200")])
