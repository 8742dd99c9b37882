"""Speed of 64 devices over the batch: small batches spend more of a step on the network."""

import numpy as np
from matplotlib.figure import Figure

import carbonscaling as cs

nouns = cs.model_spec("llama-3-8b"), cs.cluster("h100-sxm"), cs.stack("megatron"), cs.recipe("bf16")
batch = 64 * 2 ** np.arange(0, 7)
figure = Figure(figsize=(7, 4), layout="constrained")
axes = figure.subplots()
for tp in (1, 2, 4, 8):
    step = cs.step_time(*nouns, cs.setting(tp=tp, dp=64 // tp, zero=1), batch=batch)
    axes.semilogx(batch, batch * 8192 / step.total / 64, marker="o", base=2, label=f"tensor parallelism {tp}")
axes.set(xlabel="batch, sequences", ylabel="tokens/s per device", ylim=0)
axes.legend(frameon=False)
