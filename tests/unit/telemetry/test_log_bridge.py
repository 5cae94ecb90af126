"""Libraries' words become one line each."""

import json
import logging

from evenhand.telemetry import LogBridge, RequestLog


def said(*calls: tuple[str, dict[str, object]]) -> list[dict[str, object]]:
    lines: list[bytes] = []
    log = RequestLog(lines.append)
    logger = logging.getLogger("library")
    logger.propagate = False
    bridge = LogBridge(log)
    logger.addHandler(bridge)
    for message, more in calls:
        logger.warning(message, **more)  # type: ignore[arg-type]
    logger.removeHandler(bridge)
    log.close()
    return [json.loads(line) for line in b"".join(lines).splitlines()]


def test_a_warning_is_one_line_whatever_it_holds() -> None:
    (line,) = said(("the engine said:\nboo\x1b[31m", {}))
    assert line["event"] == "warning"
    assert line["logger"] == "library"
    assert "boo" in str(line["message"])


def test_an_exception_names_itself_and_where_it_came_from() -> None:
    try:
        int("x")
    except ValueError as error:
        (line,) = said(("failed", {"exc_info": error}))
    assert str(line["error"]).startswith("ValueError")
    assert "test_log_bridge.py" in str(line["frames"])
