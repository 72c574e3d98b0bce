"""Logs: what DBOS has to say goes into a file beside the records, without keys, and not onto the terminal."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from panel.llm.keys import scrub_log

LARGEST = 1_000_000
"""Bytes, of which there may be twice as many."""

_LINE = logging.Formatter("%(asctime)s %(levelname)s %(message)s")


class _Log(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging calls it so
        """Go on without the line: a log that can't be written stops no work."""


def keep_logs(path: Path) -> None:
    """Write what DBOS warns of into a file, which is begun with the first warning."""
    log = logging.getLogger("dbos")
    for each in [*log.handlers]:
        log.removeHandler(each)
        each.close()
    handler: logging.Handler = _Log(path, maxBytes=LARGEST, backupCount=1, delay=True)
    handler.setFormatter(_LINE)
    scrub_log(handler)
    log.addHandler(handler)  # DBOS adds one for the terminal where there is none
    log.setLevel(logging.WARNING)
    log.propagate = False
