"""Loads the model of a session: the one named, or the default of the registry."""

from __future__ import annotations

import threading
from collections.abc import Callable

from workbench.broker import Broker
from workbench.core.errors import ModelError, Refused
from workbench.core.records import SYSTEM, Effect, Event, Json
from workbench.model import Engine, Registry

ADD_ONE = "Add one: `workbench model add FILE`, or `make model`."


class NoModel(ModelError):
    """No model is registered; everything but asking one works."""


def load(
    name: str,
    broker: Broker,
    named: Callable[[str], None],
    progress: Callable[[int, int], None],
    cancelled: threading.Event,
) -> Engine:
    """Return the engine with the model loaded; policy decides first, and the load is on record.

    Args:
        name: A registered name; empty for the default.
        named: Told the model's name before it loads.
        progress: Told bytes done and in all.
        cancelled: Set to stop the load.

    Raises:
        NoModel: Nothing is registered.
        ModelError: The file is missing, was changed, or does not load.
        Refused: Policy does not allow this model.
    """
    # Here, on the loading thread: numpy and the library are not needed for the first paint.
    from workbench.model import load as load_model

    registry = Registry()
    if not registry.list():
        raise NoModel("No model is registered.", ADD_ONE)
    record = registry.checked(name or None, lambda hashed: progress(hashed.done, hashed.total))
    named(record.name)
    verdict = broker.policy.model(record.sha256)
    if verdict.effect is not Effect.ALLOW:
        raise Refused(
            f"Policy does not allow the model {record.name} ({record.sha256[:12]}): {verdict.rule.name} "
            f"({verdict.rule.source}).",
            "`workbench model list` shows the models; the administrator's policy pins them by sha256.",
        )
    engine = load_model(
        record, on_progress=lambda loaded: progress(loaded.done, loaded.total), cancelled=cancelled
    )
    info = engine.info
    model: dict[str, Json] = {
        "name": info.name,
        "digest": info.sha256,
        "path": str(record.path),
        "runtime": info.library,
        "ctx": info.context_size,
        "settings": dict(info.settings),
    }
    broker.record(Event("model.loaded", SYSTEM, fields={"model": model}))
    return engine
