"""What is logged with logging, in the same lines and the same form as the access log."""

import logging
import sys
from typing import TextIO

from gateway_core.settings.settings import LogSettings
from gateway_core.telemetry import AccessLog, LogFormat, LogStream


class LineHandler(logging.Handler):
    """Hands records to the access log. In text form a traceback follows on lines of its own."""

    def __init__(self, log: AccessLog, stream: LogStream, *, as_json: bool) -> None:
        super().__init__()
        self._log = log
        self._stream = stream
        self._as_json = as_json

    def emit(self, record: logging.LogRecord) -> None:
        try:
            trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else None
            fields = {"log": record.name, "level": record.levelname.lower(), "message": record.getMessage()}
            self._log.write({**fields, "exception": trace if self._as_json else None})
            self.flush()
            if trace and not self._as_json:
                self._stream.write(trace + "\n")
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        self._log.flush()


def set_up(settings: LogSettings, stream: TextIO | None = None) -> AccessLog | None:
    """Makes logging write in the configured form, and gives the access log; None where it is off."""
    as_json = settings.format == "json"
    format: LogFormat = "json" if as_json else "text"
    lines = LogStream(stream or sys.stderr, format)
    log = AccessLog(lines, format=format)
    logging.basicConfig(level=logging.WARNING, handlers=[LineHandler(log, lines, as_json=as_json)], force=True)
    logging.getLogger("dragoman").setLevel(logging.INFO)
    return log if settings.access else None
