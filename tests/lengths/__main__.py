"""Print the table."""

from __future__ import annotations

from lengths.table import table

print(table())
