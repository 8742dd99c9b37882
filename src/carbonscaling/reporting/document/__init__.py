"""The report people print: one self-contained HTML file of an answer."""

from carbonscaling.reporting.document.page import document

__all__ = ["document"]
