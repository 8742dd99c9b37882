"""Where time, memory, energy and carbon of a training go."""

import carbonscaling as cs

answer = cs.plan(cs.Scenario(model="llama-3.1-405b", tokens=15.6e12, device="h100-sxm"))
figure = cs.plot(answer)
