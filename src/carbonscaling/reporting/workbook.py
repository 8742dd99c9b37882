"""Rows as a spreadsheet: one sheet of an Office Open XML workbook (ECMA-376), text and numbers alone."""

from __future__ import annotations

import html
import io
import math
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from carbonscaling.literal import literal

__all__ = ["workbook"]

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OPC = "http://schemas.openxmlformats.org/package/2006"
_DOC = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_OPC}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/sheet.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_OPC}/relationships">'
    f'<Relationship Id="r1" Type="{_DOC}/officeDocument" Target="workbook.xml"/></Relationships>',
    "workbook.xml": f'<workbook xmlns="{_SHEET}" xmlns:r="{_DOC}"><sheets><sheet name="carbonscaling" sheetId="1" r:id="r1"/>'
    "</sheets></workbook>",
    "_rels/workbook.xml.rels": f'<Relationships xmlns="{_OPC}/relationships">'
    f'<Relationship Id="r1" Type="{_DOC}/worksheet" Target="sheet.xml"/></Relationships>',
}
_THEN = (1980, 1, 1, 0, 0, 0)
"""The time that every part bears: the same rows are the same bytes."""


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value!r}</v></c>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{html.escape(literal(str(value)), quote=False)}</t></is></c>'


def workbook(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return rows of the same keys as an .xlsx file: a line of headings, then a line a row; None is a blank."""
    columns = list(rows[0]) if rows else []
    lines = [columns, *([row[name] for name in columns] for row in rows)]
    sheet = "".join(f"<row>{''.join(map(_cell, line))}</row>" for line in lines)
    parts = _PARTS | {"sheet.xml": f'<worksheet xmlns="{_SHEET}"><sheetData>{sheet}</sheetData></worksheet>'}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(zipfile.ZipInfo(name, _THEN), _HEAD + text)
    return out.getvalue()
