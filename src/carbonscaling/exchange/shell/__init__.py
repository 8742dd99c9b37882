"""Shell scripts as text: what they would run, found without running anything."""

from carbonscaling.exchange.shell.script import Script, read_script
from carbonscaling.exchange.shell.words import UNKNOWN

__all__ = ["UNKNOWN", "Script", "read_script"]
