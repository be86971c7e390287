"""What the stand-ins for vendors share: those vendors that nobody can run, so that a server made from what they publish
about their interface has to do. Each stand-in is a file beside this one, holds everything in memory, and is strict: it
refuses what the vendor would refuse.

Usage of each: NAME.py PORT
`GET /stand-in/state` gives all that it holds, as JSON, to tests that look past the connector.
"""

import base64
import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from urllib.parse import parse_qsl, unquote, urlsplit


class Refused(Exception):
    """An answer that is no success, from wherever it is noticed."""

    def __init__(self, status, body, headers=None):
        super().__init__(status)
        self.answer = (status, body, headers or {})


class Request:
    """What was asked: `method`, `path`, `query` (a dict), `headers` (names in any case), `body` (bytes)."""

    def __init__(self, handler):
        url = urlsplit(handler.path)
        self.method, self.path, self.headers = handler.command, url.path, handler.headers
        self.query = dict(parse_qsl(url.query, keep_blank_values=True))
        self.body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))

    def json(self):
        return json.loads(self.body)

    def form(self):
        """A form's names and values, in order."""
        return parse_qsl(self.body.decode(), keep_blank_values=True)

    def bearer(self):
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        return token if scheme == "Bearer" else None

    def basic(self):
        """User and password; None without them."""
        scheme, _, value = (self.headers.get("Authorization") or "").partition(" ")
        if scheme != "Basic":
            return None
        user, _, password = base64.b64decode(value).decode().partition(":")
        return user, password


class StandIn:
    """The routes of one vendor. A route gives `(status, body)` or `(status, body, headers)`; a body is what JSON can say,
    or text, or None for no body."""

    def __init__(self, state, unknown):
        """`state()` gives all that is held; `unknown(request)` answers a path that the vendor does not have."""
        self.routes, self.state, self.unknown, self.lock = [], state, unknown, Lock()

    def route(self, method, pattern):
        """`pattern` is a path with `{name}` for one segment."""
        expression = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern) + r"\Z")

        def keep(function):
            self.routes.append((method, expression, function))
            return function

        return keep

    def answer(self, request):
        if (request.method, request.path) == ("GET", "/stand-in/state"):
            return 200, self.state()
        for method, expression, function in self.routes:
            match = expression.match(request.path)
            if method == request.method and match:
                return function(request, **{name: unquote(value) for name, value in match.groupdict().items()})
        return self.unknown(request)

    def serve(self):
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_all(self):
                request = Request(self)
                with stand_in.lock:
                    try:
                        status, body, *more = stand_in.answer(request)
                    except Refused as refused:
                        status, body, *more = refused.answer
                headers = dict(more[0]) if more else {}
                data = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
                if body is not None and not isinstance(body, str):
                    headers.setdefault("Content-Type", "application/json")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status not in (204, 304):
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if status not in (204, 304):
                    self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_all

        ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
