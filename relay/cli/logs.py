"""How a service writes its log: lines for people or JSON for machines, to standard error or to a file."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import orjson

from relay.config.sections import Log


class JsonFormatter(logging.Formatter):
    """One object per line. A message with line ends stays one line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class TextFormatter(logging.Formatter):
    """Times in UTC; what endpoints wrote cannot begin a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        message = record.getMessage().replace("\n", "\\n").replace("\r", "\\r")
        line = f"{moment} {record.levelname.lower():<8} {record.name}: {message}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure_logging(log: Log) -> None:
    """For the whole process, once, at its start. Raises OSError when the file cannot be written."""
    handler: logging.Handler
    if log.file is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        log.file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(log.file, encoding="utf-8")
    handler.setFormatter(JsonFormatter() if log.format == "json" else TextFormatter())
    root = logging.getLogger()
    for each in list(root.handlers):
        root.removeHandler(each)
    root.addHandler(handler)
    root.setLevel(log.level.upper())
