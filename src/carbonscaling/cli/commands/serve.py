"""``carbonscaling serve``."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from carbonscaling.cli.options import real_number, whole_number
from carbonscaling.errors import InputError
from carbonscaling.platform import n_processors

__all__ = ["serve"]

_Count = Parameter(converter=whole_number, n_tokens=1)
_Real = Parameter(converter=real_number, n_tokens=1)
MOST_PROCESSES = 2


def serve(
    *,
    host: Annotated[
        str, Parameter(help="Address to listen on (default: 127.0.0.1, this machine alone).")
    ] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port (default: 8765)."), _Count] = 8765,
    processes: Annotated[
        int | None, Parameter(help="Processes that answer (default: 2, or 1 on one core)."), _Count
    ] = None,
    timeout: Annotated[float, Parameter(help="Seconds that one answer may take (default: 30)."), _Real] = 30.0,
    allow_host: Annotated[
        tuple[str, ...], Parameter(help="Name that clients may call this service by, beside its address.", negative=())
    ] = (),
) -> int:
    """Open the planner for a browser, with the same answers by HTTP (/openapi.json). Needs the extra serve.

    There are no accounts: whoever reaches the address may ask. Requests name catalogue entries, never files.
    """
    try:
        from carbonscaling.serve.limits import Limits
        from carbonscaling.serve.run import config_of, run
    except ModuleNotFoundError as error:
        raise InputError(
            f"{error.name} is not installed", key="serve", remedy="pip install 'carbonscaling[serve]'"
        ) from error
    n = min(MOST_PROCESSES, n_processors()) if processes is None else processes
    for key, value, most in (("port", port, 65535), ("processes", n, 64), ("timeout", timeout, 600)):
        if not 0 < value <= most:
            raise InputError(f"{key} out of range", key=key, value=value, allowed=f"above 0, at most {most}",
                             remedy=f"correct --{key}")  # fmt: skip
    try:
        sys.stderr.write(f"starting {n} process{'es' if n > 1 else ''}; then http://{host}:{port} - Ctrl-C ends it\n")
        run(config_of(host, port, n, Limits(job_s=timeout), allow_host))
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the service was stopped") from None
    return 0
