"""Sphinx: the documentation, built offline; every warning is an error (``make docs``)."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent / "src")]

import carbonscaling  # noqa: E402

project = "CarbonScaling"
author = copyright = "The CarbonScaling developers"
release = version = carbonscaling.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sitegen"]
exclude_patterns = ["_build", "_ext"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_search_scorer = str(HERE / "_static" / "scorer.js")
html_theme = "furo"
html_title = f"CarbonScaling {release}"
html_copy_source = False

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3

default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False
# Words for people, not links to types: no field lists with cross-references.
napoleon_use_param = False
napoleon_custom_sections = [("Attributes", "params_style")]
napoleon_use_rtype = False

nitpicky = True
# Types in docstrings are written for people ("float, optional"); every other reference has to resolve.
nitpick_ignore_regex = [(r"py:(class|exc|data)", r".*")]
