"""Requests to named endpoints, and what their answers mean.

The host adds address, credential and idempotency key.
"""

from __future__ import annotations

import json as _json
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Optional, TypeVar
from urllib.parse import quote, urlencode

from componentize_py_types import Err
from wit_world.imports import http, types

from . import failure
from .failure import Failure

T = TypeVar("T")

#: Characters of a vendor's words that a message repeats.
WORDS_CHARACTERS_MAX = 200


def path(*segments: str) -> str:
    """A path of these segments, each percent-encoded."""
    return "".join("/" + quote(segment, safe="") for segment in segments)


class Draft:
    """A request in the making."""

    def __init__(self, method: str, endpoint: str, at: str) -> None:
        self._method, self._endpoint, self._path = method, endpoint, at
        self._query: list[tuple[str, str]] = []
        self._headers: list[tuple[str, str]] = []
        self._body: types.Payload = types.Payload_Empty()

    def query(self, name: str, value: object) -> "Draft":
        """Adds a pair to the query."""
        self._query.append((name, str(value)))
        return self

    def header(self, name: str, value: str) -> "Draft":
        """Adds a header."""
        self._headers.append((name, value))
        return self

    def json(self, body: object) -> "Draft":
        """The body as JSON, its members sorted: the same data is the same bytes in every attempt."""
        written = _json.dumps(body, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        return self.text("application/json", written)

    def form(self, fields: list[tuple[str, str]]) -> "Draft":
        """The body as a form."""
        return self.text("application/x-www-form-urlencoded", urlencode(fields))

    def text(self, kind: str, body: str) -> "Draft":
        """The body as text of this type."""
        self._body = types.Payload_Text(body)
        return self.header("content-type", kind)

    def read(self) -> "Answer":
        """Sends what changes nothing."""
        return self._send(http.Purpose_Read(), False)

    def step(self, name: str) -> "Answer":
        """Sends what changes something. Name and bytes are the same in every attempt."""
        return self._send(http.Purpose_Step(name), True)

    def _send(self, purpose: http.Purpose, is_step: bool) -> "Answer":
        request = http.Request(
            self._endpoint, self._method, self._path, self._query, self._headers, self._body, purpose, []
        )
        try:
            return Answer(http.send(request), is_step)
        except Err as error:
            raise Failure(error.value) from None


class Answer:
    """An answer of the target, whatever its status."""

    def __init__(self, response: http.Response, is_step: bool) -> None:
        self._response = response
        #: Whether it answers a step.
        self.is_step = is_step

    @property
    def status(self) -> int:
        """The status."""
        return self._response.status

    @property
    def is_success(self) -> bool:
        """Whether the status says success (2xx)."""
        return 200 <= self.status < 300

    def header(self, name: str) -> Optional[str]:
        """The first header of this name."""
        wanted = name.lower()
        return next((value for known, value in self._response.headers if known.lower() == wanted), None)

    @property
    def request_id(self) -> Optional[str]:
        """The vendor's own id of the request, from the usual headers."""
        names = ("request-id", "x-request-id", "x-correlation-id")
        return next((found for found in map(self.header, names) if found is not None), None)

    def text(self) -> str:
        """The body as text; replacement characters for what is not UTF-8."""
        body = self._response.body
        if isinstance(body, types.Payload_Text):
            return body.value
        return body.value.decode(errors="replace") if isinstance(body, types.Payload_Bytes) else ""

    def json(self, read: Callable[[Any], T]) -> T:
        """The body as JSON, as ``read`` makes something of it; raise in there what does not fit.

        A body of another shape is ``transient`` after a read and ``uncertain`` after a step: a proxy
        may have answered for the target.
        """
        try:
            return read(_json.loads(self.text()))
        except Failure:
            raise
        except Exception as error:  # noqa: BLE001 whatever it is, the answer is not what was expected
            raise self.unreadable(f"{type(error).__name__}: {error}") from None

    def unreadable(self, why: str) -> Failure:
        """The failure for an answer that cannot be understood although its status says success."""
        message = f"the target answered something else than expected: {shortened(why)}"
        of = failure.uncertain if self.is_step else failure.transient
        return of("unreadable-answer", message).answered(self.status, self.request_id)

    def ok(self) -> "Answer":
        """The answer itself if its status says success; else the usual failure."""
        if self.is_success:
            return self
        raise self.failure()

    def failure(self, words: str = "") -> Failure:
        """The usual failure for this status; ``words`` are the vendor's own.

        ==================  =====================  =============================================
        status              read                   step
        ==================  =====================  =============================================
        401, 403            denied                 denied
        404, 410            rejected `not-found`   rejected `not-found`
        409, 412, 423       conflict               conflict
        425, 429            transient              transient: such a request was not begun
        408, 5xx            transient              uncertain: it may have landed
        2xx, 3xx, others    transient              uncertain
        other 4xx           rejected               rejected
        ==================  =====================  =============================================
        """
        said = shortened(words)
        message = f"the target answered {self.status}" + (f": {said}" if said else "")
        return self._of(self.status, message).answered(self.status, self.request_id)

    def _of(self, status: int, message: str) -> Failure:
        if status in (401, 403):
            return failure.denied("not-permitted", message)
        if status in (404, 410):
            return failure.rejected("not-found", message)
        if status in (409, 412, 423):
            return failure.conflict("moved", message)
        if status in (425, 429):
            return failure.transient("rate-limited", message, self.retry_after_ms())
        if 400 <= status < 500 and status != 408:
            return failure.rejected(f"http-{status}", message)
        code = "unavailable" if status >= 500 or status == 408 else "unexpected-status"
        if self.is_step:
            return failure.uncertain(code, message)
        return failure.transient(code, message, self.retry_after_ms())

    def retry_after_ms(self) -> Optional[int]:
        """How long the vendor asked us to wait, from ``Retry-After`` in either form.

        A date is counted from the answer's own ``Date``, since a connector has no clock.
        """
        text = (self.header("retry-after") or "").strip()
        if text.isascii() and text.isdigit() and len(text) < 10:
            return int(text) * 1000
        try:
            until, now = parsedate_to_datetime(text), parsedate_to_datetime(self.header("date") or "")
            return max(0, int((until - now).total_seconds() * 1000))
        except (TypeError, ValueError):
            return None


def shortened(words: str) -> str:
    """A vendor's words on one line, of bounded length."""
    line = " ".join(words.split())
    return line if len(line) <= WORDS_CHARACTERS_MAX else line[:WORDS_CHARACTERS_MAX] + "…"
