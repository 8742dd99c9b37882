"""What a line of the table cannot say: numbers of an architecture that follow from several keys at once."""

from __future__ import annotations

from collections.abc import Callable

from carbonscaling.model.huggingface.entries import Values
from carbonscaling.model.huggingface.layers import mixer_kinds

__all__ = ["QUIRKS"]

BYTES = 512
"""Entries of a vocabulary of bytes, at most (ByT5: 384)."""


def _falcon(v: Values) -> None:
    """Three generations in one type: shared or grouped key/value heads, one or two norms of a parallel block."""
    new = v["parallel_new"]
    parallel = v["parallel"] or new
    if not new:
        v.put("n_kv_heads", 1 if v["multi_query"] else v["n_heads"])
    v.put("parallel", parallel)
    v.put("norms", v["norms"] or (2 if new or not parallel else 1))


def _opt(v: Values) -> None:
    v.put("final_norm", v["final_norm"] and not v["final_removed"])


def _mpt(v: Values) -> None:
    """Positions are learned unless ALiBi replaces them."""
    v.put("learned", v["learned"] and not v["alibi"])


def _phi(v: Values) -> None:
    if v["qk_norm_phi"]:
        v.put("extra_params", 4 * v.count("head_dim") * v.count("n_layers"))


def _bigcode(v: Values) -> None:
    v.put("n_kv_heads", 1 if v["multi_query"] else v["n_heads"])


def _rwkv(v: Values) -> None:
    """Widths that follow from the model's where a file says null; two layouts of files for Finch and Goose."""
    d, data = v.count("d_model"), v.c.data
    for key in ("attn", "value_dim"):
        v.c.read.add(key)
    widths = data.get("value_dim")
    if data.get("attn") or not set(widths if isinstance(widths, list) else [widths]) <= {None, d}:
        raise v.c.fail(
            "layers that are not counted", "attn" if data.get("attn") else "value_dim", data.get("attn") or widths,
            "null: the same mixer in every layer, of values as wide as the model",
        )  # fmt: skip
    v.put("embedding_norm", v.c.flag("norm_first", True))
    if v["d_ff"] is None:
        ratio = v.c.ratio("hidden_ratio", 4.0 if v["mixer"] == "rwkv7" else 3.5)
        v.put("d_ff", -(-int(ratio * d) // 32) * 32)
    if v["mixer"] == "rwkv6":
        _finch(v, d)
    if v["mixer"] == "rwkv7":
        if v.count("mix_heads") * v.count("mix_dim") != v.count("inner"):
            raise v.c.fail(
                "the heads do not fill the model's width",
                "head_dim",
                v["mix_dim"],
                f"{v['mix_heads']} heads of it: {v['inner']}",
            )
        by_width = {"decay_rank": 2.5, "rate_rank": 2.5, "gate_rank": 5.0, "value_rank": 1.7}
        for name, times in by_width.items():
            wide = 1.0 if name == "gate_rank" else v.count("mix_dim") / 64
            if v[name] is None:
                v.put(name, max(32, round(times * d**0.5 * wide / 32) * 32))
        v.put("rank", sum(v.count(name) for name in ("decay_rank", "rate_rank", "gate_rank")))


def _finch(v: Values, d: int) -> None:
    """flash-linear-attention states heads and widths of keys and values over the model's; the published files head sizes."""
    keyed = "expand_k" in v.c.data
    if keyed:
        heads = v.c.integer("num_heads")
        keys, values = (int(d * v.c.ratio(key, 1.0)) for key in ("expand_k", "expand_v"))
        if keys % heads or values % heads:
            raise v.c.fail(
                "the heads do not divide their width", "num_heads", heads, f"a divisor of {keys} and {values}"
            )
        for name, value in {"mix_heads": heads, "mix_state": keys // heads, "mix_dim": values // heads}.items():
            v.put(name, value)
    small = keyed or d < 4096
    for name, usual in {"shift_rank": 32, "rank": 64}.items():
        if v[name] is None:
            v.put(name, usual if small else 2 * usual)


def _apertus(v: Values) -> None:
    """Add the two learned exponents of an xIELU in every block."""
    v.put("extra_params", 2 * v.count("n_layers"))


def _head_layernorms(v: Values) -> None:
    """Norms per head with a bias each."""
    if v["qk_norm_if"]:
        v.put("extra_params", 2 * v.count("head_dim") * v.count("n_layers"))


def _bitnet(v: Values) -> None:
    """Add a norm before each output projection."""
    v.put("extra_params", v.count("n_layers") * (v.count("d_model") + v.count("d_ff")))


def _bert(v: Values) -> None:
    """Segment embeddings, and a head of its own: a square matrix, its bias and a norm."""
    d = v.count("d_model")
    v.put("extra_weights", d * d)
    v.put("extra_params", v.count("segments") * d + d * d + 3 * d)


def _t5(v: Values) -> None:
    """Biases of scores by distance, one table a stack or a layer; bytes for tokens (ByT5) come in longer spans of noise."""
    _both_stacks(v)
    proj = v.c.text("feed_forward_proj", "gated-gelu" if v["gated"] else "relu")
    if "feed_forward_proj" not in v.c.data:
        v.defaulted["feed_forward_proj"] = proj
    v.put("gated", proj.startswith("gated-"))
    n_tables = v.count("encoder_layers") + v.count("n_layers") if "buckets_each" in v else 2
    v.put("extra_params", n_tables * v.count("buckets") * v.count("n_heads"))
    if v.count("vocab") <= BYTES:
        v.put("targets", 189)
        v.put("targets_of", 1024)
        v.put("inputs", 1024)
    v.put("targets", max(1, round(v.count("inputs") * v.count("targets") / v.count("targets_of"))))


def _bart(v: Values) -> None:
    """Stacks of one width, one vocabulary and one embedding; targets are as long as inputs, which no file says otherwise."""
    _both_stacks(v)
    for name, own in (("encoder_heads", "n_heads"), ("encoder_d_ff", "d_ff"), ("decoder_vocab", "vocab")):
        if name in v and v[name] != v[own]:
            raise v.c.fail("encoder and decoder differ in more than their depth", v.key(name), v[name], str(v[own]))
    if "shared" in v and not v["shared"]:
        raise v.c.fail("two embeddings are not counted", v.key("shared"), False, "true")
    v.put("targets", v.count("inputs"))


def _both_stacks(v: Values) -> None:
    if not v["crossed"]:
        raise v.c.fail("one stack of an encoder-decoder alone is not counted", v.key("crossed"), False, "true")


def _inner_width(v: Values) -> None:
    """Refuse heads that do not fill the inner width, `expand` times the model's."""
    if v["mix_dim"] == "auto":
        v.put("mix_dim", v.count("expand") * v.count("d_model") // v.count("mix_heads"))
    if v.count("mix_heads") * v.count("mix_dim") != v.count("expand") * v.count("d_model"):
        raise v.c.fail(
            "the heads of the state space do not fill its width", "expand", v["expand"],
            f"heads x width = {v.count('mix_heads')} x {v.count('mix_dim')} = expand x {v.count('d_model')}",
        )  # fmt: skip


def _inner_total(v: Values) -> None:
    """Refuse heads that do not fill the inner width, which Falcon-H1 states itself; null stands for twice the model's."""
    inner = v.count("inner") if v.c.data.get("mamba_d_ssm", 0) is not None else v.count("expand") * v.count("d_model")
    if v["mix_dim"] == "auto":
        v.put("mix_dim", inner // v.count("mix_heads"))
    if v.count("mix_heads") * v.count("mix_dim") != inner:
        raise v.c.fail(
            "the heads of the state space do not fill its width", "mamba_d_ssm", inner,
            f"heads x width = {v.count('mix_heads')} x {v.count('mix_dim')}",
        )  # fmt: skip


def _mamba(v: Values) -> None:
    """Read a rank of time steps "auto": a sixteenth of the width, rounded up."""
    if v["rank"] == "auto":
        v.put("rank", -(-v.count("d_model") // 16))


def _granite_hybrid(v: Values) -> None:
    """Attention where the file lists it; a dense block beside the experts in every layer."""
    _inner_width(v)
    if v.c.data.get("num_local_experts") == 0:
        v.put("n_routed", 0)
        v.put("blocks", "dense")


def _lfm2(v: Values) -> None:
    """Take a stated width for that of a plain block: two thirds of it, rounded up."""
    if v["adjusted"]:
        factor = v.c.data.get("block_ffn_dim_multiplier", 1.0)
        if factor not in (None, 1):
            raise v.c.fail("only a factor of 1 is counted", "block_ffn_dim_multiplier", factor, "1.0")
        width, multiple = 2 * v.count("d_ff") // 3, v.count("ff_multiple")
        v.put("d_ff", -(-width // multiple) * multiple)


def _per_layer_lists(v: Values) -> None:
    """Hunyuan states experts, visits and widths for each layer, all the same."""
    for name in ("n_routed", "top_k", "d_expert", "n_shared"):
        value = v[name]
        if isinstance(value, list):
            if len(set(value)) != 1:
                raise v.c.fail("layers of different kinds", name, value, "the same number for every layer")
            v.put(name, value[0])


def _per_layer_heads(v: Values) -> None:
    """Heads of single layers as transformers 5 writes them: those of one kind of layer differ from the rest."""
    v.c.read.add("per_layer_config")
    table = v.c.data.get("per_layer_config")
    if not table:
        return
    kinds, places = mixer_kinds(v), sorted(int(place) for place in table)
    kind = next((k for k in ("full", "window") if places == [i for i, own in enumerate(kinds) if own == k]), None)
    first = table[min(table)]
    names = {"num_attention_heads": "n_heads", "num_key_value_heads": "n_kv_heads", "head_dim": "head_dim"}
    if kind is None or any(own != first for own in table.values()) or not set(first) <= set(names):
        raise v.c.fail(
            "layers of more than two kinds", "per_layer_config", "a table", "the same heads for every layer of a kind"
        )
    for key, value in first.items():
        v.put(("local_" if kind == "window" else "") + names[key], value)


def _nemotron_nas(v: Values) -> None:
    """Blocks found one by one: attention may be missing, feed-forward widths differ (arXiv 2411.19146)."""
    blocks, d = v.c.items("block_configs") or [], v.count("d_model")
    attention = [b.get("attention", {}) for b in blocks if isinstance(b, dict)]
    ffn = [b.get("ffn", {}) for b in blocks if isinstance(b, dict)]
    groups = {a.get("n_heads_in_group") for a in attention if not a.get("no_op")}
    linear = any(part.get("replace_with_linear") for part in (*attention, *ffn))
    if len(attention) != v.count("n_layers") or len(groups) != 1 or None in groups or linear:
        raise v.c.fail(
            "blocks that are not counted", "block_configs", f"{len(blocks)} blocks",
            "one a layer, attention of one group size or none, feed-forward blocks or none",
        )  # fmt: skip
    widths = [_nas_width(f, d) for f in ffn if not f.get("no_op")]
    v.put("n_kv_heads", v.count("n_heads") // groups.pop())
    v.put("mixer_kinds", ["none" if a.get("no_op") else "full" for a in attention])
    v.put("d_ff", widths)
    v.put("n_dense", len(widths))


def _nas_width(ffn: dict[str, float], d_model: int) -> int:
    """Two thirds of `ffn_mult` widths, rounded up to 256."""
    stated = ffn.get("intermediate_size")
    return int(stated) if stated else -(-int(2 * ffn.get("ffn_mult", 0) * d_model / 3) // 256) * 256


def _step(v: Values) -> None:
    """Windowed layers have other heads where `attention_other_setting` says so."""
    _per_layer_heads(v)
    other = v.c.data.get("attention_other_setting")
    v.c.read.add("attention_other_setting")
    if isinstance(other, dict):
        v.put("local_n_heads", other.get("num_attention_heads", v["local_n_heads"]))
        v.put("local_n_kv_heads", other.get("num_attention_groups", v["local_n_kv_heads"]))
        v.put("local_head_dim", other.get("head_dim", v["local_head_dim"]))
    listed, n = v["layer_types"], v.count("n_layers")
    if listed is not None and len(listed) == n + (v["mtp"] or 0):  # those of the prediction modules follow
        v.put("layer_types", listed[:n])


def _laguna(v: Values) -> None:
    """Read a list of heads, one number for each kind of layer, and a gate for every head or for every element."""
    listed, kinds = v["heads_at"], mixer_kinds(v)
    if listed is not None:
        if len(listed) != len(kinds):
            raise v.c.fail(
                "one number a layer is needed", "num_attention_heads_per_layer", len(listed), str(len(kinds))
            )
        for prefix, kind in (("", "full"), ("local_", "window")):
            own = {n for n, k in zip(listed, kinds, strict=True) if k == kind}
            if len(own) > 1:
                raise v.c.fail(
                    "layers of more than two kinds",
                    "num_attention_heads_per_layer",
                    sorted(own, key=str),
                    "one number for a kind",
                )
            if own:
                v.put(prefix + "n_heads", own.pop())
    v.c.read |= {"gating", "gating_types"}
    gated = v.c.data.get("gating_types") or v.c.data.get("gating", True)
    said = {str(gate).replace("_", "-") for gate in (gated if isinstance(gated, list) else [gated])}
    gates = {"True": "head", "per-head": "head", "per-element": "full", "False": "none"}
    if len(said) != 1 or not said <= set(gates):
        raise v.c.fail("a gate that is not counted", "gating", ", ".join(sorted(said)), ", ".join(gates))
    v.put("gate", gates[said.pop()])


def _kimi(v: Values) -> None:
    """Add norms of experts' latent width, and attention over sums of blocks of layers in place of one residual (K3)."""
    d, n, block = v.count("d_model"), v.count("n_layers"), v.count("residual_block")
    norms = (n - v.count("first_dense")) * (v["d_latent"] or 0) * v["latent_norm"]
    if block:
        v.put("streams", 1 + -(-n // block))
        norms += 2 * (2 * n + 1) * d  # a query and a norm before every mixer, every block, and the head
    v.put("extra_params", norms)


def _bailing(v: Values) -> None:
    """Tell Ling 3, whose file has a short convolution, from 2.5: Kimi delta attention in place of lightning attention."""
    v.c.read |= {"no_kda_lora", "use_qk_norm"}
    said = v.c.text("gated_attention_proj_granularity_type", "none")
    gates = {"head_wise": "head", "element_wise": "full", "none": "none"}
    if said not in gates:
        raise v.c.fail("a gate that is not counted", "gated_attention_proj_granularity_type", said, ", ".join(gates))
    v.put("gate", gates[said])
    v.put("d_shared", v.count("shared_width") * v.count("n_shared"))
    if v["conv"]:
        v.put("mixer", "kda")
        v.put("rank", 0 if v.c.flag("no_kda_lora", False) else v["mix_dim"])
    elif v.c.flag("use_qk_norm", True):
        v.put("extra_params", mixer_kinds(v).count("mix") * 2 * v["mix_dim"])


def _shared_indexers(v: Values) -> None:
    """Without a list, every so-manieth layer from an offset on has an indexer of its own."""
    freq = v.c.integer("index_topk_freq", default=1)
    offset = v.c.integer("index_skip_topk_offset", default=2, minimum=0)
    if v["index_kinds"] is None and freq > 1:
        kinds = ["full" if i < offset or (i - offset + 1) % freq == 0 else "shared" for i in range(v.count("n_layers"))]
        v.put("index_kinds", kinds)


def _block_indexer(v: Values) -> None:
    """Keys are picked in blocks; a list says which layers do so by a word or by 1."""
    v.put("index_top", v.count("index_block") * v.count("index_blocks"))
    kinds = v["index_kinds"] or []
    v.put("index_kinds", [v["index_kind"] if kind == 1 else kind for kind in kinds])


def _longcat(v: Values) -> None:
    """Two attentions, two dense blocks and one set of experts a layer: counted as twice the layers, half with experts."""
    n = v.count("n_layers")
    v.put("n_layers", 2 * n)
    v.put("n_dense", 2 * n)
    v.put("norms", 2)
    v.put("blocks", "period")
    v.put("moe_period", 2)
    v.put("moe_first", 0)


def _per_layer_inputs(v: Values) -> tuple[int, int]:
    """Per-layer embeddings (Gemma 3n): all parameters, and those of them that are matrices."""
    d, n, width = v.count("d_model"), v.count("n_layers"), v.count("ple_dim")
    if not width:
        return 0, 0
    matrices = d * n * width + 2 * n * d * width
    return v.count("ple_vocab") * n * width + matrices + width + n * d, matrices


def _without_kv(v: Values, kinds: list[str]) -> None:
    """Let the last layers use the keys and values of earlier ones."""
    last = kinds[len(kinds) - v.count("shared_layers") :]
    v.put("shared_kv", [sum(kind != "window" for kind in last), last.count("window")])


def _gemma3n(v: Values) -> None:
    """Alternating updates of several streams, low-rank residuals, per-layer embeddings."""
    d, n, streams, rank = v.count("d_model"), v.count("n_layers"), v.count("streams"), v.count("laurel")
    params, matrices = _per_layer_inputs(v)
    _without_kv(v, mixer_kinds(v))
    mixing = n * (streams**2 + streams**3 + d * streams) + 2 * (streams - 1) * d * d
    v.put("extra_weights", matrices + mixing + n * 2 * d * rank)
    v.put("extra_params", params + mixing + n * (2 * d * rank + 3 * d))


def _gemma4(v: Values) -> None:
    """Per-layer embeddings, wider blocks where keys are shared, experts beside a dense block, a last layer that is global."""
    d, n = v.count("d_model"), v.count("n_layers")
    v.put("mixer_kinds", [*mixer_kinds(v)[:-1], "full"])
    params, matrices = _per_layer_inputs(v)
    _without_kv(v, mixer_kinds(v))
    _per_layer_heads(v)
    if not v["one_kv"]:
        v.put("n_kv_heads", v["local_n_kv_heads"])
    if v["double_wide"] and v.count("shared_layers"):
        v.put("d_ff", [v.count("d_ff") * (1 + (i >= n - v.count("shared_layers"))) for i in range(n)])
    if not v["moe_if"]:
        v.put("blocks", "dense")
        v.put("n_dense", n)
    else:
        params += n * (4 * d + v.count("n_routed"))
    v.put("extra_weights", matrices)
    v.put("extra_params", params)


def _deepseek_v4(v: Values) -> None:
    """Compressed keys beside a window, their indexers, and hyper-connections between parallel streams."""
    d, n, width, streams = v.count("d_model"), v.count("n_layers"), v.count("head_dim"), v.count("streams")
    ratios = v["ratios"]
    if ratios is None:
        rates = {"sliding_attention": 0, "compressed_sparse_attention": v["rate_sparse"]}
        rates["heavily_compressed_attention"] = v["rate_heavy"]
        if v["compressed"] is None or not set(v["compressed"]) <= set(rates):
            raise v.c.fail(
                "no usable list of layers", "compress_ratios", v["compressed"], "one ratio a layer", "add it"
            )
        ratios = [rates[kind] for kind in v["compressed"]]
    if not all(isinstance(ratio, int) and ratio >= 0 for ratio in ratios):
        raise v.c.fail("not a list of ratios", "compress_ratios", ratios, "whole numbers")
    ratios = ratios[:n]
    if len(ratios) != n:
        raise v.c.fail("one ratio a layer is needed", "compress_ratios", f"{len(ratios)} entries", f"{n} entries")
    sparse, narrow = v.count("rate_sparse"), v.count("index_dim")
    n_sparse = ratios.count(sparse)
    matrices = rest = 0
    for ratio in filter(None, ratios):
        double = 2 if ratio == sparse else 1
        matrices += 2 * d * double * width
        rest += ratio * double * width + width
    matrices += n_sparse * 3 * d * narrow  # of an indexer with compressed keys of its own, beyond a plain one
    rest += n_sparse * (2 * sparse - 1) * narrow
    v.put("compressed_layers", (n_sparse, n - n_sparse))
    mixing = 2 * n * (2 + streams) * streams * streams * d + streams * streams * d
    rest += 2 * n * ((2 + streams) * streams + 3) + streams + 1 + n * width
    v.put("extra_weights", matrices + mixing)
    v.put("extra_params", matrices + mixing + rest)


QUIRKS: dict[str, Callable[[Values], None]] = {
    "apertus": _apertus, "bailing": _bailing, "bart": _bart, "bert": _bert, "bigcode": _bigcode, "bitnet": _bitnet,
    "block_indexer": _block_indexer, "deepseek_v4": _deepseek_v4, "falcon": _falcon, "gemma3n": _gemma3n, "gemma4": _gemma4,
    "granite_hybrid": _granite_hybrid, "head_layernorms": _head_layernorms, "inner_total": _inner_total,
    "inner_width": _inner_width, "kimi": _kimi, "laguna": _laguna, "lfm2": _lfm2, "longcat": _longcat, "mamba": _mamba,
    "mpt": _mpt, "nemotron_nas": _nemotron_nas, "opt": _opt, "per_layer_heads": _per_layer_heads,
    "per_layer_lists": _per_layer_lists, "phi": _phi, "rwkv": _rwkv, "shared_indexers": _shared_indexers, "step": _step,
    "t5": _t5,
}  # fmt: skip
"""Adjustments by name, made before a model is put together."""
