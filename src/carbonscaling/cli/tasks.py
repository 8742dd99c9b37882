"""What people come to do: examples, commands by task, and the options that most questions need."""

from __future__ import annotations

__all__ = ["ELSEWHERE", "EXAMPLES", "LONGEST_PAGE", "OWN_OPTIONS", "SHORT_OPTIONS", "START", "TASKS"]

LONGEST_PAGE = 60
"""Lines of a help page; of a longer one ``--help`` shows the common options, and ``carbonscaling help COMMAND`` all."""

ASK = "--model llama-3-8b --tokens 1T"

START: tuple[str, ...] = (
    f"plan {ASK} --max-days 30",
    f"estimate {ASK} --devices 512",
    "choose --model llama-3-8b --devices 512 --regions france,texas",
    f"explain {ASK} --devices 512",
    "explain MFU",
)
"""What stands on the first page."""

TASKS: dict[str, tuple[str, ...]] = {
    "Ask": ("plan", "estimate", "inference", "project", "scale", "choose", "batch"),
    "Decide": ("decide", "schedule", "chances"),
    "Understand": ("explain", "uncertainty", "robust", "cite"),
    "Keep and report": ("again", "report", "attribute", "sweep", "query", "plot", "serve"),
    "Look up": ("catalog", "model", "data", "schema"),
    "Judge": ("validate", "accounts", "calibrate", "reproduce", "bench"),
}
"""Commands by what they are for; all others come after them."""

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "plan": (
        ("The fewest devices that finish in a month", f"plan {ASK} --max-days 30"),
        ("The least carbon instead, in another place", "plan --model llama-3-8b --objective carbon --region france"),
        ("The best model for a million dollars, by a law", "plan --law besiroglu_2024 --budget-usd 1M"),
    ),
    "estimate": (
        ("What 512 H100 take, at the best setting", f"estimate {ASK} --devices 512"),
        ("With a layout of your own, saved", "estimate --model llama-3-8b --devices 64 --tp 2 -o run.json"),
    ),
    "explain": (
        ("From FLOPs to tonnes", f"explain {ASK} --devices 512"),
        ("A line opened to its formulas", "explain --model llama-3-8b --devices 64 --open time"),
        ("A term", "explain MFU"),
    ),
    "choose": (
        ("Places", "choose --model llama-3-8b --devices 512 --regions france,texas"),
        ("Device counts", "choose --model llama-3-8b --counts 64,128,256"),
    ),
    "inference": (
        ("Two million requests a day", "inference --model llama-3-70b --requests-per-day 2M"),
        ("With a promise", "inference --model qwen3-8b --prompt 2000 --tpot-s 0.03"),
    ),
    "project": (
        ("OLMo 3 from its published pipeline", "project olmo-3"),
        ("The same in France", "project olmo-3 --region france"),
        ("Yours, as a table", "project mine.toml -o stages.csv"),
    ),
    "schedule": (("When to work within three weeks", "schedule run.toml --hourly hours.csv --within-days 21"),),
    "decide": (
        ("How large, if it serves 2e12 tokens", "decide --params 13B --served-tokens 2T"),
        ("By carbon, drawn", "decide --candidates 7B,13B --objective carbon -o d.svg"),
    ),
    "chances": (
        ("How likely in 60 days", "chances run.toml --write-s 30 --restart-s 300 --within-days 60"),
        ("The plan for it", "chances run.toml --write-s 30 --restart-s 300 --by 2027-03-14"),
    ),
    "scale": (("Loss against carbon, as a table", "scale --law paper_v2 --sizes 8192,16384 -o curve.csv"),),
    "batch": (("What the batch costs", f"batch {ASK} --devices 512"),),
    "uncertainty": (("What widens the interval (needs SciPy)", f"uncertainty {ASK} --devices 512"),),
    "robust": (("How firm an answer is", f"robust {ASK} --devices 512"),),
    "cite": (("The works behind an answer", f"cite {ASK} --devices 512"),),
}
"""What a command is asked, in words and as typed."""

SHORT_OPTIONS = (
    frozenset({"--model", "--law", "--target-loss", "--tokens", "--batch", "--train"})
    | {"--device", "--devices", "--max-days", "--budget-usd", "--objective", "--precision", "--region", "--stack"}
    | {"--tp", "--pp", "--json", "--output", "--emit", "--from", "--open", "--all"}
)
"""Options that a short page shows."""

OWN_OPTIONS: dict[str, frozenset[str]] = {
    "inference": frozenset({"--prompt", "--output-tokens", "--requests-per-day", "--peak", "--ttft-s", "--tpot-s"})
    | {"--weights", "--engine", "--in-flight", "--draft"},
    "decide": frozenset({"--law", "--loss", "--params", "--served-tokens", "--candidates", "--counts", "--regions"})
    | {"--within-days"},
    "choose": frozenset({"--regions", "--accelerators", "--counts", "--deadlines", "--power-limits", "--starts"}),
    "schedule": frozenset(
        {"--within-days", "--columns", "--released", "--least", "--prices", "--forecast", "--hourly"}
    ),
    "chances": frozenset({"--write-s", "--restart-s", "--within-days", "--under-tco2e", "--by", "--confidence"}),
}
"""What such a command is for: its short page shows these in the place of `ELSEWHERE`."""

ELSEWHERE = frozenset({"--law", "--target-loss", "--batch", "--train", "--max-days", "--budget-usd", "--pp", "--stack"})
