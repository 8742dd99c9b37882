"""What an answer is doubtful of: settings that nobody ran, speeds above every published one, options that change nothing."""

from __future__ import annotations

from dataclasses import replace

from carbonscaling.evidence.best_run import BestRun, best_run
from carbonscaling.evidence.covered import KINDS, covered
from carbonscaling.perf.numbers import Recompute, Schedule, Setting
from carbonscaling.search.constraints import RULES, combined_barred
from carbonscaling.search.engine import search
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.search.result import Candidate, Question
from carbonscaling.search.space import Space
from carbonscaling.software.options import Software
from carbonscaling.study.batches import TUNED
from carbonscaling.study.resolve import Resolved
from carbonscaling.study.shown import setting_words
from carbonscaling.units import DAY
from carbonscaling.words import count, counted, percents, plain

__all__ = ["best_alike", "idle_options", "in_sight", "kept_back", "too_good", "too_large", "unmeasured"]

WORTH = 0.02
"""How much better a setting has to be that the memory margin keeps back, to be told of."""

WORDS = {
    "tp": "TP {:g}",
    "pp": "{:g} pipeline stages",
    "ep": "experts over {:g} devices",
    "vpp": "{:g} chunks a stage",
    "micro_batch": "micro-batches of {:g} sequences",
    "n_devices": "{:,.0f} devices",
}
"""Degrees of which the largest measured one is known, as a doubt names them."""

TOO_LARGE = 10.0
"""Batches over the one that needs 20 % more tokens, above which one is doubted."""


def unmeasured(s: Setting, seq_len: float) -> tuple[str, ...]:
    """Return the features of a setting on sequences of `seq_len` tokens that no measured training run has (`covered`).

    >>> unmeasured(Setting(8, 16, 32, 8, 1, 1, 1, 1, 256, 1, 32, 2, 1, 1, 50), 8192)
    ('32,768 devices', 'CP 8 at 8,192 tokens', 'zero-bubble schedule', 'recomputation of a share of the layers')
    """
    ends = covered()
    beyond = [words.format(v) for k, words in WORDS.items() if (v := getattr(s, k)) > int(ends[k][0].value)]
    if s.cp > 1 and not any(s.cp <= int(row.value) and seq_len >= row.seq_len for row in ends["cp"]):
        beyond.append(f"CP {s.cp:g} at {seq_len:,.0f} tokens")
    kinds = [kind for kind in KINDS if getattr(s, kind) > 1]
    if not any(set(kinds) <= set(row.value.split("+")) for row in ends["together"]):
        beyond.append(f"{', '.join(kinds[:-1]).upper()} and {kinds[-1].upper()} together")
    unsaid = (
        (s.schedule == Schedule.ZERO_BUBBLE, "zero-bubble schedule"),
        (s.recompute != Recompute.NONE and s.recompute_percent < 100, "recomputation of a share of the layers"),
        (s.zero >= 1 and s.shard < s.dp * s.cp, "sharding group smaller than the data-parallel group"),
        (s.etp > 1, "tensor parallelism inside experts"),
    )  # no column of the rows says these
    return (*beyond, *(name for holds, name in unsaid if holds))


def best_alike(r: Resolved, active_params: float | None = None) -> BestRun | None:
    """Return the best published run of the device, kind of model and number format, of `active_params` if they are given."""
    formats = r.machine.formats
    low_bits = bool(formats.peak > 1.5 * formats.peak_attention)
    return best_run(r.cluster.device.id, active_params, low_bits=low_bits, experts=r.spec.n_moe_layers > 0)


def too_good(r: Resolved, mfu: float, best: BestRun | None) -> list[str]:
    """Warn where a utilisation lies above every published one: of this device and size, else of the device, else of others."""
    known, more = "published for this device and size", ""
    if best is None:
        best, known, more = best_alike(r), "published for this device", "; no run of this size is"
    if best is None:
        most = r.carbon.numbers.best_utilisation
        known, more = "published for runs like this", "none is of this device, kind of model and number format"
    else:
        most = best.mfu(float(r.machine.formats.peak_mfu))
        more = f"{best.named}, {best.source}{more}"
    if mfu <= most:
        return []
    by = "by more than its interval" if mfu / r.time().si_range[1] > most else "though within its interval"
    own, highest = percents(mfu, float(most))
    if own == highest:
        return []
    return [f"MFU {own} is above the best {known} ({highest}, {more}), {by}: no measurement covers this setting"]


def too_large(r: Resolved) -> list[str]:
    """Warn of a stated batch that wastes most of its tokens: one that was meant in tokens, as a rule."""
    b = r.batches
    if b.is_open or r.batch <= TOO_LARGE * b.overhead or r.scenario.train in TUNED:
        return []
    stated, of_tokens, times = (
        counted(round(r.batch), "sequence"),
        count(r.batch * r.seq_len),
        plain(r.batch / b.overhead),
    )
    return [
        f"a batch of {stated} is {of_tokens} tokens, {times} times as large as one that needs 20 % more tokens "
        "than few do (carbonscaling batch): a batch counts sequences"
    ]


OF_NARROW = ("attention_8bit", "head_8bit", "bf16_share")
OF_EXPERTS = (
    "dispatcher", "expert_capacity", "expert_kernels", "expert_permutation", "expert_balance", "expert_overlap",
)  # fmt: skip
"""Options of software that act on products in 8 or 4 bit alone, and on experts alone."""


def idle_options(r: Resolved) -> list[str]:
    """Say which options of software were asked for and change nothing here."""
    asked, usual = r.scenario.software, Software()
    why = {
        OF_NARROW: "" if r.recipe.narrow else f"{r.recipe.name} multiplies nothing in 8 or 4 bit",
        ("row_scales",): "" if r.recipe.name == "fp8" else f"{r.recipe.name} has no scale for a row to choose",
        OF_EXPERTS: "" if r.work.n_experts > 0 else "the model has no experts",
        OF_NARROW[:1]: "attention is not fused" if r.recipe.narrow and not r.machine.software.flash else "",
    }
    return [
        f"software option {name} changes nothing: {words}"
        for names, words in why.items()
        for name in names
        if words and getattr(asked, name) != getattr(usual, name)
    ]


def in_sight(r: Resolved, s: Setting) -> list[str]:
    """Warn of experts' traffic that was asked to hide and does not, and say why."""
    options = r.scenario.software
    if not options.expert_overlap or s.ep <= 1 or s.schedule in (Schedule.COMBINED, Schedule.DUALPIPE):
        return []
    why = "here it takes no less time"
    if options.dispatcher == "allgather":
        why = "the dispatcher is allgather, which has no exchange"
    elif combined_barred(s._replace(schedule=Schedule.COMBINED), r.work):
        why = next(rule.reason for rule in RULES if rule.violated is combined_barred)
    elif s.schedule != Schedule.ONE_F_ONE_B:
        why = f"the schedule is {Schedule.NAMES[int(s.schedule)]}"
    return [f"experts' traffic does not hide, as was asked for: {why}"]


def kept_back(q: Question, space: Space, best: Candidate) -> list[str]:
    """Say what a stated layout would take without the memory margin, where that is better by `WORTH`."""
    if not (q.stated and q.margin):
        return []
    objective = OBJECTIVES[q.objective]
    other = search(replace(q, margin=0.0), space, top=1, near=0.0, prune=True, explain=False).best
    if other is None or objective.key(other)[objective.main] >= (1.0 - WORTH) * objective.key(best)[objective.main]:
        return []
    words = f"{setting_words(other.setting)}, {other.duration_s / DAY:.1f} days"
    return [
        f"kept back by the memory margin: {words}; it fits by less than estimates of memory err (--memory-margin 0)"
    ]
