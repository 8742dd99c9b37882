"""A report as PDF: printed by a browser of this machine, which typesets what the HTML file shows."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from carbonscaling.errors import InputError
from carbonscaling.platform import browser

__all__ = ["pdf_of"]

PATIENCE_S = 120


def pdf_of(page: str) -> bytes:
    """Return a report (HTML) as PDF.

    Raises
    ------
    InputError
        No browser is installed that prints, or it did not.
    """
    found = browser()
    if found is None:
        raise _refusal("no browser is installed that prints without a window")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "report.html", Path(folder) / "report.pdf"
        source.write_text(page, encoding="utf-8")
        root = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []  # it refuses to start otherwise
        options = ("--headless", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={folder}/profile")
        command = [found, *options, *root, f"--print-to-pdf={target}", source.as_uri()]
        try:
            subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=True)
            return target.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise _refusal(f"{Path(found).name} did not print the report") from error


def _refusal(problem: str) -> InputError:
    return InputError(
        problem, key="format", value="pdf", allowed="Chromium, Chrome or Edge",
        remedy="write report.html instead, open it and print it to a file: its style is made for print",
    )  # fmt: skip
