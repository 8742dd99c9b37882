"""The report people print: one self-contained HTML file of an answer."""

from carbonscaling.reporting.document.page import document
from carbonscaling.reporting.document.whole import document_of, document_of_saved

__all__ = ["document", "document_of", "document_of_saved"]
