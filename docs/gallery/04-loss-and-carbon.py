"""Loss against carbon along a scaling law, each point at its own best setting; the band is the 90 % interval."""

import carbonscaling as cs

points = cs.scale(cs.Scenario(law="besiroglu_2024", device="h100-sxm"))
figure = cs.plot(points)
