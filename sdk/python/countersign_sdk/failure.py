"""The five ways in which a call can fail, each of them one action of the host."""

from __future__ import annotations

from typing import Optional, Sequence

from wit_world.imports import types

#: Code of a failure that the connector's author did not foresee.
CONNECTOR_BUG = "connector.bug"


class Failure(Exception):
    """Why a call gives no result. Raise it; the case, and nothing else, says what happens next."""

    def __init__(self, raw: types.Failure) -> None:
        super().__init__(detail_of(raw).message)
        self.raw = raw

    @property
    def case(self) -> str:
        """``transient``, ``rejected``, ``conflict``, ``denied`` or ``uncertain``."""
        return type(self.raw).__name__.removeprefix("Failure_").lower()

    @property
    def detail(self) -> types.Detail:
        """Facts for people."""
        return detail_of(self.raw)

    def answered(self, status: int, request_id: Optional[str]) -> "Failure":
        """Adds the status and the vendor's request id of an answer."""
        self.detail.vendor_status = status
        self.detail.vendor_request_id = request_id
        return self


def detail_of(raw: types.Failure) -> types.Detail:
    """The facts of a failure of the contract."""
    value = raw.value
    return value if isinstance(value, types.Detail) else value.detail


def _detail(code: str, message: str) -> types.Detail:
    return types.Detail(code, message, None, None, [])


def transient(code: str, message: str, after_ms: Optional[int] = None) -> Failure:
    """Nothing was changed, and trying again may help, after ``after_ms`` if the vendor said so."""
    return Failure(types.Failure_Transient(types.Transient(after_ms, _detail(code, message))))


def rejected(code: str, message: str, fields: Sequence[str] = ()) -> Failure:
    """It will never work as asked. ``fields`` are those that the vendor objected to."""
    return Failure(types.Failure_Rejected(types.Rejected(list(fields), _detail(code, message))))


def conflict(code: str, message: str, revision: Optional[str] = None) -> Failure:
    """The record moved under us; ``revision`` is what the vendor holds now."""
    return Failure(types.Failure_Conflict(types.Conflict(revision, _detail(code, message))))


def denied(code: str, message: str) -> Failure:
    """Credential or permission trouble."""
    return Failure(types.Failure_Denied(_detail(code, message)))


def uncertain(code: str, message: str) -> Failure:
    """The change may or may not have landed."""
    return Failure(types.Failure_Uncertain(_detail(code, message)))


def not_found(kind: str, id: str) -> Failure:
    """The target has no such record."""
    return rejected("not-found", f"the target has no record `{kind}/{id}`")


def unknown_operation(name: str) -> Failure:
    """The operation is none of the connector's."""
    return rejected("unknown-operation", f"this connector has no operation `{name}`")


def unknown_kind(kind: str) -> Failure:
    """The record's kind is none of the connector's."""
    return rejected("unknown-kind", f"records of the kind `{kind}` cannot be used here")


def bug(error: BaseException) -> Failure:
    """What nobody foresaw, with its text."""
    return rejected(CONNECTOR_BUG, f"{type(error).__name__}: {error}")
