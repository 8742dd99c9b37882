"""What a serving asks, looked up: the question with its layout left open, the price and the carbon factors of its place."""

from __future__ import annotations

from carbonscaling.carbon.assess import CarbonModel
from carbonscaling.carbon.model import carbon_model
from carbonscaling.catalog import hardware, models
from carbonscaling.catalog.prices import price
from carbonscaling.errors import InputError, nearest
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.model.spec import ModelSpec
from carbonscaling.serving.engine import engine_asked
from carbonscaling.serving.factors import shipped_factors
from carbonscaling.serving.formats import format_named
from carbonscaling.serving.numbers import Layout
from carbonscaling.serving.question import Mode, Question, Speculation, kept_in
from carbonscaling.serving.said import check_degrees, check_positions
from carbonscaling.serving.scenario import Serving
from carbonscaling.units import HOUR

__all__ = ["carbon_of", "price_of", "question_of"]


def question_of(s: Serving) -> Question:
    """Return what is asked of a serving, its layout left open."""
    cluster = hardware.cluster(s.device, s.host)
    weights, engine = format_named(s.weights), engine_asked(s.engine)
    kv = kept_in(weights, engine) if s.kv_cache is None else format_named(s.kv_cache, "kv_cache")
    spec = s.model if isinstance(s.model, ModelSpec) else models.model_spec(s.model)
    _check_decoder(spec, "model")
    check_positions(spec, s.prompt, s.output)
    check_degrees(s, spec)
    told = None
    if s.draft_tokens is not None and s.acceptance is not None:
        draft = None if s.draft is None else _check_decoder(models.model_spec(s.draft), "draft")
        told = Speculation(s.draft_tokens, s.acceptance, draft)
    known = [name.removeprefix("source ") for name in shipped_factors().time.rows if name.startswith("source ")]
    if s.like is not None and s.like not in known:
        raise InputError(
            "no servings of this source were learnt from", key="like", value=s.like, suggestion=nearest(s.like, known),
            allowed=", ".join(known), remedy="choose one of these, or leave it out",
        )  # fmt: skip
    mode: Mode = "disaggregated" if s.disaggregated else "continuous"
    return Question(
        spec, cluster, weights, kv, Layout(1.0, 1.0, 1.0, 1.0), engine, mode, s.output, s.prompt, None, s.sampling == "top-p",
        s.prefix_hit, s.prompt_spread, s.output_spread, told, s.like or "",
    )  # fmt: skip


def _check_decoder(spec: ModelSpec, key: str) -> ModelSpec:
    if spec.encoder is not None:
        raise InputError(
            "serving an encoder-decoder is not modelled", key=key, value=spec.name, allowed="a decoder",
            remedy="estimate and plan answer for its training",
        )  # fmt: skip
    return spec


def price_of(s: Serving, cluster: Cluster) -> float | None:
    """Return USD a device-hour; None where none is known."""
    if s.price_usd_per_device_hour is not None:
        return s.price_usd_per_device_hour
    known = price(cluster.device.id, s.price_basis)
    return None if known is None else known.si * HOUR


def carbon_of(s: Serving, cluster: Cluster) -> CarbonModel:
    """Return the carbon factors of a serving's place, whose PUE and water hold for an intensity that is given too."""
    return carbon_model(
        cluster, s.region, pue=s.pue, carbon_intensity_g_per_kwh=s.carbon_intensity_g_per_kwh, shared_hosts=True, basis=s.basis
    )  # fmt: skip
