"""Whether this gateway should be sent requests, and if not, why not."""

from evenhand.gateway.admin.status import Status


def unmet_conditions(status: Status) -> list[dict[str, str]]:
    """Name every condition that keeps the gateway from being ready; empty: it is ready.

    No engine is named here: this is shown to whoever can reach the listener.
    """
    unmet = []
    if status.is_draining:
        message = "The gateway is shutting down. Send requests to another one."
        unmet.append({"condition": "draining", "message": message})
    if not any(engine.is_up and not engine.is_drained for engine in status.engines()):
        message = (
            "No engine is up, or all are drained. Look at the engines in /state for the reasons."
        )
        unmet.append({"condition": "no_engine_up", "message": message})
    if status.ledger_closed_because is not None:
        message = "The usage ledger cannot be written. The log says why."
        unmet.append({"condition": "ledger_closed", "message": message})
    return unmet
