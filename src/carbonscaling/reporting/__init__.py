"""What people see of an answer: pages, BibTeX, JSON and its schema; formatting only."""

__all__: list[str] = []
