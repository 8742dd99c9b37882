"""The same training in its own place and in those of least carbon."""

import carbonscaling as cs

answer = cs.plan(cs.Scenario(model="llama-3-70b", tokens=15e12, device="h100-sxm", region="us-east5"))
figure = cs.plot(answer, "places")
