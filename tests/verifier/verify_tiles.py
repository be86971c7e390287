"""Checks an exported countersign log: a second implementation, written from the specifications alone.

    verify_tiles.py KEY FOLDER

Read: c2sp.org/tlog-tiles (v1.0.0), /tlog-checkpoint, /signed-note, and RFC 9162 section 2.1.1 (the tree). Prints
`yes SIZE ROOT`, or `no REASON`; then the status is 1.
"""

import hashlib
import pathlib
import sys

from verify_proof import checkpoint_of, demand, key_of


def path_of(level, index, width):
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03}")
    return "/".join(["tile", level, *groups]) + ("" if width == 256 else f".p/{width}")


def tiles(folder, level, count):
    """The bytes of every tile of a level that has so many hashes or entries."""
    for index in range((count + 255) // 256):
        width = min(256, count - 256 * index)
        yield width, (folder / path_of(level, index, width)).read_bytes()


def entries(folder, size):
    for width, bundle in tiles(folder, "entries", size):
        found = 0
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            demand(len(bundle) >= 2 + length, "a bundle ends inside an entry")
            yield bundle[2 : 2 + length]
            bundle, found = bundle[2 + length :], found + 1
        demand(found == width, "a bundle has another number of entries")


def root_of(hashes):
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root_of(hashes[:half]) + root_of(hashes[half:])).digest()


def check(key, folder):
    size, root = checkpoint_of((folder / "checkpoint").read_bytes().decode(), *key_of(key))
    level, hashes = 0, [hashlib.sha256(b"\0" + entry).digest() for entry in entries(folder, size)]
    whole = root_of(hashes)
    while hashes:
        kept = b"".join(tile for _, tile in tiles(folder, str(level), len(hashes)))
        demand(kept == b"".join(hashes), f"the tiles of level {level} are not those of the entries")
        full = range(0, len(hashes) - 255, 256)
        level, hashes = level + 1, [root_of(hashes[first : first + 256]) for first in full]
    demand(whole == root, "the entries do not lead to the root")
    return f"{size} {root.hex()}"


def main():
    try:
        print("yes", check(sys.argv[1], pathlib.Path(sys.argv[2])))
    except (ValueError, IndexError, OSError) as fault:
        print("no", fault.__class__.__name__, str(fault).split("\n")[0])
        sys.exit(1)


if __name__ == "__main__":
    main()
