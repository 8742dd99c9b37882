"""The command tree; every command's module is imported when that command is run."""

from __future__ import annotations

from cyclopts import App, Group

from carbonscaling.cli.tasks import TASKS

__all__ = ["COMMANDS", "build_app"]

COMMANDS: dict[tuple[str, ...], tuple[str, str]] = {
    ("plan",): ("plan:plan", "Find the best setting and device count within the deadline."),
    ("estimate",): ("plan:estimate", "Say what a run takes on a given number of devices."),
    ("inference",): ("inference:inference", "Say what serving a model takes."),
    ("project",): ("project:project", "Say what a whole project takes, stage by stage."),
    ("scale",): ("scale:scale", "Show loss against carbon over model sizes."),
    ("choose",): ("choose:choose", "Compare places, devices, counts, deadlines, start times."),
    ("schedule",): ("schedule:schedule", "Say when to work, pause and move for the least carbon."),
    ("decide",): ("decide:decide", "Choose a size by what training and serving take together."),
    ("chances",): ("chances:chances", "Say how likely a plan ends in time, and takes how much."),
    ("batch",): ("batch:batch", "Show what a batch costs in tokens, and published laws of it."),
    ("explain",): ("explain:explain", "Show an answer's arithmetic step by step, or what a term means."),
    ("uncertainty",): ("uncertainty:uncertainty", "Show every interval and what widens it most."),
    ("robust",): ("robust:robust", "Ask again on constants drawn from their ranges."),
    ("cite",): ("cite:cite", "Print the BibTeX of an answer's methods and data."),
    ("again",): ("again:again", "Repeat a saved answer; say what has changed since, and why."),
    ("report",): ("report:report", "Write a statement: model card, AI Act, SCI, ESRS, a page, ..."),
    ("attribute",): ("attribute:attribute", "Share a cluster's kWh among jobs, idle, storage, and unexplained."),
    ("sweep",): ("sweep:sweep", "Run a study of any size; what is done is kept."),
    ("query",): ("query:query", "Ask a study's results: SQL, or a canned view."),
    ("plot",): ("plot:plot", "Draw a study's results."),
    ("serve",): ("serve:serve", "Open the planner in a browser, with the same answers by HTTP."),
    ("validate",): ("validate:validate", "Hold the models against published measurements."),
    ("accounts",): ("accounts:accounts", "Set published carbon accounts beside these figures."),
    ("calibrate",): ("calibrate:calibrate", "Fit the model's constants to measured runs."),
    ("reproduce",): ("reproduce:reproduce", "Reproduce both CarbonScaling papers, a verdict for every claim."),
    ("bench",): ("bench:bench", "Measure the speed of the search on this machine."),
    ("model", "show"): ("model:show", "Show a model: parameters and FLOPs by part."),
    ("model", "new"): ("model:new", "Write a model file to start your own from."),
    ("model", "lengths"): ("model:lengths", "Show assumed beside published training lengths."),
    ("catalog", "list"): ("catalog:list_", "List what the catalogue holds."),
    ("catalog", "show"): ("catalog:show", "Show an entry: every number, its unit, range and source."),
    ("catalog", "check"): ("catalog:check", "Say which shipped numbers have grown old."),
    ("data", "list"): ("data:list_", "List the measurements that ship with the package."),
    ("data", "show"): ("data:show", "Show a data set: its columns and its sources."),
    ("schema",): ("schema:schema", "Print the JSON Schema of a scenario or of an answer."),
    ("completion",): ("completion:completion", "Print the script that completes commands in a shell."),
    ("help",): ("help:help_", "Show all of a command's options."),
}
"""Where each command lives below ``carbonscaling.cli.commands``, and its line of help."""

GROUPS = {
    "model": "Models: show one, or start your own.",
    "catalog": "The numbers that ship: devices, grids, models, stacks, prices.",
    "data": "The measurements that ship, with their sources.",
}


def build_app(only: frozenset[str] | None = None) -> App:
    """Return the command tree.

    Parameters
    ----------
    only : frozenset of str, optional
        Options that help pages show; all without it.
    """
    from carbonscaling.cli.help_format import ColumnFormatter
    from carbonscaling.cli.pages import version

    app = App(
        name="carbonscaling",
        help="What it takes - devices, days, energy, carbon, money - to train a large language model.",
        version=version,
        help_formatter=ColumnFormatter(only),
        help_format="plaintext",
        result_action="return_value",
        print_error=False,
        exit_on_error=False,
        suppress_keyboard_interrupt=False,
    )
    made = [(Group(task, sort_key=n), names) for n, (task, names) in enumerate(TASKS.items())]
    tasks = {name: group for group, names in made for name in names}
    further = Group("Further", sort_key=len(TASKS))
    groups = {
        name: App(name=name, help=text, group=tasks.get(name, further), sort_key=50) for name, text in GROUPS.items()
    }
    for place, (path, (target, text)) in enumerate(COMMANDS.items()):
        parent = groups[path[0]] if len(path) > 1 else app
        group = None if len(path) > 1 else tasks.get(path[0], further)
        parent.command(f"carbonscaling.cli.commands.{target}", name=path[-1], help=text, sort_key=place, group=group)
    for group_app in groups.values():
        app.command(group_app)
    return app
