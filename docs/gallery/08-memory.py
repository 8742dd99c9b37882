"""What ZeRO frees on 64 devices: memory of the fullest by use."""

from matplotlib.figure import Figure

import carbonscaling as cs

nouns = cs.model_spec("llama-3-8b"), cs.cluster("h100-sxm"), cs.stack("megatron"), cs.recipe("bf16")
uses = ("weights", "gradients", "optimizer", "activations", "framework")
figure = Figure(figsize=(7, 4), layout="constrained")
axes = figure.subplots()
for zero in range(4):
    need, bottom = cs.memory(*nouns, cs.setting(dp=64, zero=zero), batch=512), 0.0
    for i, use in enumerate(uses):
        height = float(getattr(need, use)) / 1e9
        axes.bar(f"ZeRO-{zero}", height, bottom=bottom, color=f"C{i}", label=None if zero else use)
        bottom += height
axes.axhline(float(need.limit) / 1e9, color="0.4", linestyle="--")
axes.set(ylabel="GB on a device; the line is what can be used")
axes.legend(frameon=False)
