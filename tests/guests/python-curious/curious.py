"""A connector that looks around: the id of the record says where. What it finds is in the field `found`."""

import os
import random
import socket
import sys
import time
import uuid

from countersign_sdk import Connector, Context, Field, RecordRef, Snapshot, text

connector = Connector("tests.curious", "1.0.0", "tests", kinds=["place"])


def tried(what) -> str:
    """What came of it: the error's name, or what was found."""
    try:
        return f"found {what()}"
    except BaseException as error:  # noqa: BLE001 whatever it is, it is what is looked for
        return f"refused: {type(error).__name__}"


def connected(port: str) -> str:
    with socket.create_connection(("127.0.0.1", int(port)), timeout=2) as to:
        return str(to.getpeername())


def sent(port: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to:
        return str(to.sendto(b"x", ("127.0.0.1", int(port))))


def written() -> str:
    with open("/tmp/countersign-curious", "w") as file:
        return str(file.write("x"))


def spun() -> str:
    while True:
        pass


def flooded() -> str:
    for _ in range(10_000):
        print("flood " * 20, file=sys.stderr)
    return "flooded"


LOOKS = {
    "environment": lambda _: tried(lambda: sorted(os.environ)),
    "arguments": lambda _: tried(lambda: sys.argv[1:]),
    "input": lambda _: tried(lambda: repr(sys.stdin.read())),
    "root": lambda _: tried(lambda: os.listdir("/")),
    "file": lambda _: tried(lambda: open("/etc/passwd").read()),
    "above": lambda _: tried(lambda: open("../../../../etc/passwd").read()),
    "write": lambda _: tried(written),
    "tcp": lambda port: tried(lambda: connected(port)),
    "udp": lambda port: tried(lambda: sent(port)),
    "name": lambda _: tried(lambda: socket.getaddrinfo("localhost", 80)),
    "process": lambda _: tried(lambda: os.system("id")),
    "moment": lambda _: f"{time.time():.3f} {time.time():.3f}",
    "chance": lambda _: f"{uuid.uuid4()} {random.SystemRandom().random()}",
    "memory": lambda _: f"{len(bytearray(400 * 1024 * 1024))}",
    "spin": lambda _: spun(),
    "flood": lambda _: flooded(),
    "exit": lambda _: os._exit(3),
    "bug": lambda _: {}["a key that is not there"],
}


@connector.fetch
def fetch(context: Context, subject: RecordRef) -> Snapshot:
    look, _, argument = subject.id.partition("/")
    return Snapshot(subject, None, None, [Field("found", text(LOOKS[look](argument)))])


@connector.check
def check(context: Context) -> None:
    pass


Identity, Reader, _ = connector.exports()
