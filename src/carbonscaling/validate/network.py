"""What a measured row says of its network: Gbit/s a device, and the kind of fabric, from the words that people use."""

from __future__ import annotations

import re

from carbonscaling.hints import NamedTuple

__all__ = ["Network", "network"]

MOST_OF_A_CARD = {"Volta": 100.0, "Ampere": 200.0}
"""Gbit/s of the fastest card that a generation's hosts took (PCIe 3 and 4): a bare number above it is the node's."""
MOST_OF_A_DEVICE = 1600.0
LEAST_OF_A_DEVICE = 1.0

_RATE = re.compile(
    r"(?:(?P<count>\d{1,2})\s*[x×*]\s*)?(?P<words>(?:[A-Za-z][\w-]*\s+){0,3})"
    r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>Gb|Tb|gb|tb|G(?=bps)|GB(?=/|ps)|TB(?=/|ps)|G\b)"
)
_NAMED = re.compile(
    r"(?:(?P<count>\d{1,2})\s*[x×*]\s*)(?P<words>omni-?path|opa|hdr|ndr|edr)-?\s*(?P<number>\d{2,3})\b", re.I
)
_INSIDE = re.compile(r"nvlink|nvswitch|xgmi|infinity fabric|\bici\b|hbm|pcie|intra|memory", re.I)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_ASIDE = re.compile(r"storage|management|front-?end", re.I)
_OF_NODE = re.compile(
    r"(?:per|a|each)[ -](?:node|server|host|machine)|node-to-node|inter-?node|(?:between|across) nodes", re.I
)
_OF_DEVICE = re.compile(r"(?:per|a|each|/) ?(?:gpu|device|accelerator|gcd|card|chip)\b", re.I)

FABRICS: tuple[tuple[str, str], ...] = (
    (r"omni-?path|\bopa\b", "omni-path"),
    (r"tcpxo|a3 mega", "tcpxo"),
    (r"tcpx|a3 high", "tcpx"),
    (r"slingshot|\bcxi\b|frontier|\blumi\b|\balps\b", "slingshot"),
    (r"\befa\b|\bp4de?\b|\bp5(?:en?)?\b", "efa"),
    (r"ip over ib|ipoib|\btcp\b|sockets?\b", "tcp"),
    (r"roce|converged ethernet|spectrum-?x", "roce"),
    (r"infiniband|\bib\b|\bhdr|\bndr|\bedr|quantum|superpod|selene|\beos\b", "infiniband"),
)
"""Words of each class of fabric, the most telling first."""


class Network(NamedTuple):
    """Gbit/s a device and direction, and the class of the fabric; None where the text does not say."""

    gbps: float | None
    fabric: str | None


def _phrases(text: str, device: str) -> list[str]:
    """Return the parts of a text; those of the device's own family where several devices share it."""
    parts = [part for part in re.split(r"[;,+]| and ", text) if part.strip() and not _ASIDE.search(part)]
    family = re.match(r"[a-z]*\d*", device.lower())
    own = [part for part in parts if family and family[0] and f"({family[0]}" in part.lower()]
    return own or parts


def network(text: str, device: str, architecture: str, per_host: int) -> Network:
    """Return what a text says of the network between hosts: bits where it says "Gb", bytes where "GB/s".

    Parameters
    ----------
    text : str
        As the source describes its interconnect.
    device, architecture : str
        Whose generation says what one card can carry.
    per_host : int
        Devices of a host, which share its cards.

    >>> network("8x A100 NVLink node; 4 x 100 Gb RoCE between nodes", "A100-80", "Ampere", 8)
    Network(gbps=50.0, fabric='roce')
    >>> network("p5.48xlarge, EFA 3,200 Gb/s a node", "H100-80", "Hopper", 8)
    Network(gbps=400.0, fabric='efa')
    >>> network("400 Gb/s per node (A100), 800 Gb/s (H100)", "H100-80", "Hopper", 8).gbps
    100.0
    """
    found: list[float] = []
    text = _THOUSANDS.sub("", text)
    for phrase in _phrases(text, device):
        device_wide, node_wide = _OF_DEVICE.search(phrase), _OF_NODE.search(phrase) or _OF_NODE.search(text)
        for rate in (*_NAMED.finditer(phrase), *_RATE.finditer(phrase)):
            if _INSIDE.search(rate["words"]) or (_INSIDE.search(phrase) and not (rate["count"] or device_wide)):
                continue
            unit = rate.groupdict().get("unit") or "Gb"
            gbps = float(rate["number"]) * (8.0 if unit.endswith("B") else 1.0) * (1e3 if unit[0] in "tT" else 1.0)
            if device_wide:
                each = gbps
            elif rate["count"]:
                each = int(rate["count"]) * gbps / per_host
            elif node_wide or gbps > MOST_OF_A_CARD.get(architecture, 800.0):
                each = gbps / per_host
            else:
                each = gbps
            if LEAST_OF_A_DEVICE <= each <= MOST_OF_A_DEVICE:
                found.append(each)
    fabric = next((name for words, name in FABRICS if re.search(words, text, re.I)), None)
    return Network(max(found, default=None), fabric)
