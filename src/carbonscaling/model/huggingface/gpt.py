"""The GPT line: LayerNorm, two-matrix feed-forward, biases; learned, rotary or ALiBi positions."""

from __future__ import annotations

from carbonscaling.model.huggingface.reader import Config
from carbonscaling.model.huggingface.shared import attention, decoder, head_width, train_length
from carbonscaling.model.spec import Attention, FeedForward, ModelSpec

__all__ = ["bloom", "gpt2", "gpt_neo", "gpt_neox", "gptj", "mpt", "nemotron", "opt", "phi", "starcoder2"]


def _heads(c: Config, d: int, *keys: str, qkv_bias: bool, out_bias: bool, n_kv: int | None = None) -> Attention:
    """Multi-head attention from whichever key holds the head count."""
    n_heads = c.integer(*keys)
    width = head_width(c, d, n_heads)
    return Attention(n_heads, n_kv or n_heads, width, qkv_bias=qkv_bias, out_bias=out_bias)


def gpt2(c: Config) -> ModelSpec:
    """GPT2Config: learned positions (default 1024), tied, biases everywhere; ``n_inner`` null means 4·n_embd."""
    d, positions = c.integer("n_embd"), c.integer("n_positions", default=1024)
    return ModelSpec(
        name=c.text("_name_or_path", c.where),
        n_layers=c.integer("n_layer"),
        d_model=d,
        vocab_size=c.integer("vocab_size"),
        seq_len=positions,
        attention=_heads(c, d, "n_head", qkv_bias=True, out_bias=True),
        ffn=FeedForward(d_ff=c.integer("n_inner", default=4 * d), gated=False, bias=True),
        tied_embeddings=c.flag("tie_word_embeddings", True),
        n_positions=positions,
        norm="layernorm",
        source=c.where,
    )


def gptj(c: Config) -> ModelSpec:
    """GPTJConfig: rotary; one norm for a parallel block; no attention biases; an untied head with a bias."""
    d = c.integer("n_embd")
    return ModelSpec(
        name=c.text("_name_or_path", c.where),
        n_layers=c.integer("n_layer"),
        d_model=d,
        vocab_size=c.integer("vocab_size"),
        seq_len=c.integer("n_positions", default=2048),
        attention=_heads(c, d, "n_head", qkv_bias=False, out_bias=False),
        ffn=FeedForward(d_ff=c.integer("n_inner", default=4 * d), gated=False, bias=True),
        tied_embeddings=c.flag("tie_word_embeddings", False),
        norm="layernorm",
        norms_per_layer=1,
        parallel_block=True,
        head_bias=True,
        source=c.where,
    )


def gpt_neo(c: Config) -> ModelSpec:
    """GPTNeoConfig: learned positions (2048), tied; every other layer local (window 256) unless listed otherwise."""
    d, n_layers = c.integer("hidden_size"), c.integer("num_layers", "num_hidden_layers")
    positions = c.integer("max_position_embeddings", default=2048)
    n_heads = c.integer("num_heads", "num_attention_heads")
    kinds = c.items("attention_layers")
    c.read.add("attention_types")
    n_local = n_layers // 2 if kinds is None else kinds.count("local")
    heads = Attention(
        n_heads=n_heads,
        n_kv_heads=n_heads,
        head_dim=head_width(c, d, n_heads),
        out_bias=True,
        window=c.integer("window_size", default=256),
        n_window_layers=n_local,
    )
    return ModelSpec(
        name=c.text("_name_or_path", c.where),
        n_layers=n_layers,
        d_model=d,
        vocab_size=c.integer("vocab_size"),
        seq_len=positions,
        attention=heads,
        ffn=FeedForward(d_ff=c.integer("intermediate_size", default=4 * d), gated=False, bias=True),
        tied_embeddings=c.flag("tie_word_embeddings", True),
        n_positions=positions,
        norm="layernorm",
        source=c.where,
    )


def gpt_neox(c: Config) -> ModelSpec:
    """GPTNeoXConfig: rotary, untied, biases (``attention_bias`` default true); parallel block with two norms."""
    d, bias = c.integer("hidden_size"), c.flag("attention_bias", True)
    return decoder(
        c,
        tied=False,
        positions=2048,
        attention=_heads(c, d, "num_attention_heads", qkv_bias=bias, out_bias=bias),
        ffn=FeedForward(d_ff=c.integer("intermediate_size"), gated=False, bias=True),
        norm="layernorm",
        parallel_block=c.flag("use_parallel_residual", True),
    )


def opt(c: Config) -> ModelSpec:
    """OPTConfig: learned positions with an offset of 2, tied, biases; OPT-350M embeds at another width."""
    d, bias = c.integer("hidden_size"), c.flag("enable_bias", True)
    before = c.flag("do_layer_norm_before", True)
    width = c.integer("word_embed_proj_dim", default=d)
    norm = "layernorm" if c.flag("layer_norm_elementwise_affine", True) else "none"
    return decoder(
        c,
        tied=True,
        positions=2048,
        attention=_heads(c, d, "num_attention_heads", qkv_bias=bias, out_bias=bias),
        ffn=FeedForward(d_ff=c.integer("ffn_dim"), gated=False, bias=bias),
        n_positions=c.integer("max_position_embeddings", default=2048) + 2,
        norm=norm,
        final_norm=before and not c.flag("_remove_final_layer_norm", False),
        d_embed=None if width == d else width,
    )


def bloom(c: Config) -> ModelSpec:
    """BloomConfig: ALiBi, tied, biases, a norm after the embedding; older files say ``n_embed``."""
    d = c.integer("hidden_size", "n_embed")
    c.read.add("apply_residual_connection_post_layernorm")
    return ModelSpec(
        name=c.text("_name_or_path", c.where),
        n_layers=c.integer("n_layer", "num_hidden_layers"),
        d_model=d,
        vocab_size=c.integer("vocab_size"),
        seq_len=c.integer("seq_length", default=2048),
        attention=_heads(c, d, "n_head", "num_attention_heads", qkv_bias=True, out_bias=True),
        ffn=FeedForward(d_ff=4 * d, gated=False, bias=True),
        tied_embeddings=c.flag("tie_word_embeddings", True),
        norm="layernorm",
        embedding_norm=True,
        source=c.where,
    )


def mpt(c: Config) -> ModelSpec:
    """MptConfig: tied, LayerNorm without bias; ALiBi (default) or learned positions."""
    d, n_heads = c.integer("d_model"), c.integer("n_heads")
    attn = c.child("attn_config", default={})
    attn.read.update(("attn_type", "attn_impl", "attn_uses_sequence_id", "prefix_lm", "softmax_scale"))
    c.read.add("norm_type")
    seq_len, bias = c.integer("max_seq_len", default=2048), not c.flag("no_bias", True)
    learned = c.flag("learned_pos_emb", True) and not attn.flag("alibi", True)
    return ModelSpec(
        name=c.text("_name_or_path", c.where),
        n_layers=c.integer("n_layers"),
        d_model=d,
        vocab_size=c.integer("vocab_size"),
        seq_len=seq_len,
        attention=Attention(
            n_heads=n_heads,
            n_kv_heads=n_heads,
            head_dim=head_width(c, d, n_heads),
            qkv_bias=bias,
            out_bias=bias,
            qk_norm="full" if attn.flag("qk_ln", False) else "none",
        ),
        ffn=FeedForward(d_ff=d * c.integer("expansion_ratio", default=4), gated=False, bias=bias),
        tied_embeddings=c.flag("tie_word_embeddings", True),
        n_positions=seq_len if learned else 0,
        norm="layernorm" if bias else "rmsnorm",
        source=c.where,
    )


def nemotron(c: Config) -> ModelSpec:
    """NemotronConfig: rotary, squared ReLU, LayerNorm1P (weight and bias), untied, no biases by default."""
    bias = c.flag("attention_bias", False)
    return decoder(
        c,
        tied=False,
        positions=4096,
        attention=attention(c, c.integer("hidden_size"), qkv_bias=bias, out_bias=bias),
        ffn=FeedForward(d_ff=c.integer("intermediate_size"), gated=False, bias=c.flag("mlp_bias", False)),
        norm="layernorm",
    )


def starcoder2(c: Config) -> ModelSpec:
    """Starcoder2Config: rotary, grouped queries (default 2 KV heads), tied, biases; windowed where stated."""
    bias, n_layers = c.flag("use_bias", True), c.integer("num_hidden_layers")
    c.read.update(("norm_type", "mlp_type"))
    window = c.optional("sliding_window")
    heads = attention(
        c,
        c.integer("hidden_size"),
        n_kv_heads=2,
        qkv_bias=bias,
        out_bias=bias,
        window=window,
        n_window_layers=n_layers if window else 0,
    )
    ffn = FeedForward(d_ff=c.integer("intermediate_size"), gated=False, bias=bias)
    return decoder(c, tied=True, positions=4096, attention=heads, ffn=ffn, norm="layernorm")


def phi(c: Config) -> ModelSpec:
    """PhiConfig (phi-1, phi-2): rotary; one norm for a parallel block; biases; an untied head with a bias."""
    c.read.add("qk_layernorm")
    return decoder(
        c,
        tied=False,
        positions=2048,
        attention=attention(c, c.integer("hidden_size"), qkv_bias=True, out_bias=True),
        ffn=FeedForward(d_ff=c.integer("intermediate_size"), gated=False, bias=True),
        norm="layernorm",
        norms_per_layer=1,
        parallel_block=True,
        head_bias=True,
        seq_len=train_length(c, default=2048),
    )
