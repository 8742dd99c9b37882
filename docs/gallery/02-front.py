"""Fewer devices take longer, and less carbon and money: every corner is a best plan; numbers are devices."""

import carbonscaling as cs

answer = cs.plan(cs.Scenario(model="llama-3.1-405b", tokens=15.6e12, device="h100-sxm"))
figure = cs.plot(answer, "front")
