"""From decorated functions to the exports of the component."""

from __future__ import annotations

import json as _json
from typing import Any, Callable, Optional, Sequence, TypeVar

from componentize_py_types import Err
from wit_world.exports import reader
from wit_world.exports.identity import Descriptor, Guarantee, Operation
from wit_world.imports import diagnostics, settings, types
from wit_world.imports.types import DraftIntent, RecordRef

from . import failure
from .failure import Failure
from .http import Draft, shortened
from .value import Snapshot, odd_list, oddity

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

#: Code of a failure because of a value that the contract does not know.
ODD_VALUE = "odd-value"
#: Code of a failure because of a delivery that is none.
BAD_DELIVERY = "bad-delivery"

_GUARANTEES = {
    "by-key": Guarantee.BY_KEY,
    "by-natural-key": Guarantee.BY_NATURAL_KEY,
    "by-probe": Guarantee.BY_PROBE,
    "blind": Guarantee.BLIND,
}
#: What is said of a delivery.
_SAID = {"interpret": RecordRef, "receive": DraftIntent}
_LEVELS = {level.name.lower(): level for level in diagnostics.Level}


class Page(reader.Page):
    """What has changed, the oldest first, and where to go on; ``None`` for nothing more."""

    def __init__(self, items: list[Snapshot], next: Optional[str]) -> None:
        super().__init__(list(items), next, [])


class Context:
    """What a call may do: ask the target, read settings, tell operators."""

    def get(self, endpoint: str, path: str) -> Draft:
        """Begins a ``GET``."""
        return Draft("GET", endpoint, path)

    def post(self, endpoint: str, path: str) -> Draft:
        """Begins a ``POST``."""
        return Draft("POST", endpoint, path)

    def put(self, endpoint: str, path: str) -> Draft:
        """Begins a ``PUT``."""
        return Draft("PUT", endpoint, path)

    def patch(self, endpoint: str, path: str) -> Draft:
        """Begins a ``PATCH``."""
        return Draft("PATCH", endpoint, path)

    def delete(self, endpoint: str, path: str) -> Draft:
        """Begins a ``DELETE``."""
        return Draft("DELETE", endpoint, path)

    def head(self, endpoint: str, path: str) -> Draft:
        """Begins a ``HEAD``."""
        return Draft("HEAD", endpoint, path)

    def setting(self, name: str) -> Optional[str]:
        """A setting of the connection; ``None`` if it has none."""
        return settings.get(name)

    def say(self, level: str, message: str, **fields: str) -> None:
        """A line for operators. No secret, no personal data."""
        diagnostics.emit(_LEVELS[level], message, list(fields.items()))


class Delivery:
    """One delivery. The host has verified who sent it and, where the scheme signs a moment, how old it is; it drops
    what it had before.
    """

    def __init__(self, raw: types.Delivery) -> None:
        #: Which hook of the manifest it came by.
        self.hook: str = raw.hook
        #: Header names in lower case, in order of arrival, without credentials and signatures.
        self.headers: list[tuple[str, str]] = raw.headers
        #: The body as it arrived.
        self.body: types.Payload = raw.body
        #: When it arrived, in milliseconds since 1970 in UTC.
        self.received_ms: int = raw.received_ms

    def header(self, name: str) -> Optional[str]:
        """The first header of this name."""
        wanted = name.lower()
        return next((value for known, value in self.headers if known == wanted), None)

    def text(self) -> str:
        """The body as text; ``rejected`` when it is none."""
        if isinstance(self.body, types.Payload_Bytes):
            raise failure.rejected(BAD_DELIVERY, "the body of the delivery is no text")
        return self.body.value if isinstance(self.body, types.Payload_Text) else ""

    def json(self, read: Callable[[Any], T]) -> T:
        """The body as JSON, as ``read`` makes something of it; raise in there what does not fit.

        A body of another shape is ``rejected``.
        """
        body = self._parsed()
        try:
            return read(body)
        except Failure:
            raise
        except Exception as error:  # noqa: BLE001 whatever it is, the delivery is not what was expected
            why = shortened(f"{type(error).__name__}: {error}")
            raise failure.rejected(BAD_DELIVERY, f"the delivery is something else than expected: {why}") from None

    def _parsed(self) -> Any:
        text = self.text()
        try:
            return _json.loads(text)
        except (ValueError, RecursionError):
            raise failure.rejected(BAD_DELIVERY, "the body of the delivery is no JSON") from None


class Connector:
    """A connector. Give it one function for each question, by the decorator of the question's name.

    Keep nothing between calls: each has an instance of its own.
    """

    def __init__(self, name: str, version: str, system: str, kinds: Sequence[str], tells: Sequence[str] = ()) -> None:
        extra = [("changes", ",".join(tells))] if tells else []
        self._descriptor = Descriptor(name, version, system, list(kinds), [], extra)
        self._by: dict[str, Callable[..., Any]] = {}

    def operation(
        self, name: str, kind: str, guarantee: str, input: object, reversible: bool = False
    ) -> None:
        """Describes an operation. ``input`` is its JSON Schema."""
        described = Operation(name, kind, _json.dumps(input), _GUARANTEES[guarantee], reversible, [])
        self._descriptor.operations.append(described)

    def check(self, by: F) -> F:
        """``(context)``: are address, credential and permissions right?"""
        return self._answered("check", by)

    def fetch(self, by: F) -> F:
        """``(context, subject) -> Snapshot``: what a record holds now."""
        return self._answered("fetch", by)

    def changes(self, by: F) -> F:
        """``(context, kind, cursor, limit, now_ms) -> Page``: which records changed since a place."""
        return self._answered("changes", by)

    def plan(self, by: F) -> F:
        """``(context, what, now_ms) -> WritePlan``: field by field, what ``apply`` would write."""
        return self._answered("plan", by)

    def apply(self, by: F) -> F:
        """``(context, effect) -> Receipt``: one attempt, which writes the sealed plan and nothing else."""
        return self._answered("apply", by)

    def probe(self, by: F) -> F:
        """``(context, effect) -> Finding``: whether the effect is there."""
        return self._answered("probe", by)

    def undo(self, by: F) -> F:
        """``(context, effect, landed) -> Receipt``: takes back what landed."""
        return self._answered("undo", by)

    def probe_undo(self, by: F) -> F:
        """``(context, effect, landed) -> Finding``: whether what takes it back is there."""
        return self._answered("probe_undo", by)

    def interpret(self, by: F) -> F:
        """``(context, delivery) -> list[RecordRef]``: which records it is about; none if it concerns us not.

        What stands in it is never taken for the truth: the host reads each record that it watches.
        """
        return self._answered("interpret", by)

    def receive(self, by: F) -> F:
        """``(context, delivery) -> list[DraftIntent]``: what it asks for; nothing if it asks for nothing.

        The same delivery gives the same drafts.
        """
        return self._answered("receive", by)

    def _answered(self, question: str, by: F) -> F:
        self._by[question] = by
        return by

    def exports(self) -> tuple[type, type, type]:
        """The classes ``Identity``, ``Reader`` and ``Writer`` of the component; give them these names."""
        connector = self

        class Identity:
            def describe(self) -> Descriptor:
                return connector._descriptor

        class Reader:
            def fetch(self, subject: Any) -> Any:
                return connector._call("fetch", failure.rejected, subject)

            def changes(self, kind: str, cursor: Optional[str], limit: int, now_ms: int) -> Any:
                if "changes" not in connector._by:
                    return Page([], None)
                return connector._call("changes", failure.rejected, kind, cursor, limit, now_ms)

            def check(self) -> None:
                connector._call("check", failure.rejected)

        class Writer:
            def plan(self, what: Any, now_ms: int) -> Any:
                return connector._call("plan", failure.rejected, what, now_ms)

            def apply(self, what: Any) -> Any:
                return connector._call("apply", failure.uncertain, what)

            def probe(self, what: Any) -> Any:
                return connector._call("probe", failure.rejected, what)

        return Identity, Reader, Writer

    def compensator(self) -> type:
        """The class ``Compensator`` of the component."""
        connector = self

        class Compensator:
            def undo(self, what: Any, landed: Any) -> Any:
                return connector._call("undo", failure.uncertain, what, landed)

            def probe_undo(self, what: Any, landed: Any) -> Any:
                return connector._call("probe_undo", failure.rejected, what, landed)

        return Compensator

    def webhooks(self) -> type:
        """The class ``Webhooks`` of the component."""
        connector = self

        class Webhooks:
            def interpret(self, what: Any) -> Any:
                return connector._told("interpret", what)

        return Webhooks

    def intake(self) -> type:
        """The class ``Intake`` of the component."""
        connector = self

        class Intake:
            def receive(self, what: Any) -> Any:
                return connector._told("receive", what)

        return Intake

    def _told(self, question: str, what: Any) -> Any:
        """Some worlds want both exports: a connector that answers one of them says nothing by the other."""
        if question not in self._by and _SAID.keys() & self._by.keys():
            return []
        return self._call(question, failure.rejected, Delivery(what))

    def _call(self, question: str, odd: Callable[[str, str], Failure], *arguments: Any) -> Any:
        """Runs a call, and makes a failure of whatever is raised in it, so that no exception becomes a trap."""
        try:
            answer = self._by[question](Context(), *arguments)
            why = odd_list(answer, _SAID[question]) if question in _SAID else oddity(answer)
            if why is None:
                return answer
            told = odd(ODD_VALUE, why)
        except Failure as raised:
            told = raised
        except Exception as raised:  # noqa: BLE001 what nobody foresaw is told, and never a trap
            told = failure.bug(raised)
        # Half a pair of surrogates, as targets send them, cannot leave.
        told.detail.message = told.detail.message.encode(errors="replace").decode()
        raise Err(told.raw)
