"""``carbonscaling completion``."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

__all__ = ["completion"]


def completion(shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="Shell to complete in.")], /) -> None:
    """Print the script that completes commands, options and their choices in a shell.

    bash: eval "$(carbonscaling completion bash)" in ~/.bashrc. zsh: save it as _carbonscaling in a folder of fpath. fish: save
    it as ~/.config/fish/completions/carbonscaling.fish.
    """
    from carbonscaling.cli.app import build_app

    sys.stdout.write(build_app().generate_completion(prog_name="carbonscaling", shell=shell))
