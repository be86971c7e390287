"""Checks a population of a countersign log, a sample of it, or a case, with nothing of the program that made them.

    verify_evidence.py KEY [POPULATION] [--tiles FOLDER] [--sample FILE] [--case FILE]

Prints `yes COUNT FIRST LAST` (of a case `yes INTENT`), or `no REASON`; then the status is 1. With the tiles that `countersign audit export` wrote,
each item is looked up in the log, and a population of intents is proved to have them all: the log's leaves name the stream
of every intent and say nothing of what is asked for. With a sample, it is drawn once more. Of a case every entry is proved
to stand in the log, in one unbroken row from the first; with the tiles, that the row has no entry more.
"""

import argparse
import base64
import hashlib
import json
import pathlib
import sys

from verify_proof import check, checkpoint_of, demand, key_of
from verify_tiles import entries, root_of


def whole(file):
    """The first line, the lines of the items, the counts and the digest of a file whose bytes fit its last line."""
    data = pathlib.Path(file).read_bytes()
    demand(data.endswith(b"\n"), "the last line does not end")
    above, last = data[: data.rindex(b"\n", 0, -1) + 1], json.loads(data[data.rindex(b"\n", 0, -1) + 1 :])
    demand(last == {"sha256": hashlib.sha256(above).hexdigest()}, "the bytes do not fit the last line")
    first, *items, end = [json.loads(line) for line in above.splitlines()]
    demand(set(end) == {"end"}, "the counts are missing")
    return first, items, end["end"], last["sha256"]


def population(key, file):
    head, items, end, sha256 = whole(file)
    demand(head["form"] == "countersign-population/1", "this is no population")
    log = head["log"]
    name, *rest = key_of(key)
    size, root = checkpoint_of(log["checkpoint"], name, *rest)
    demand((log["origin"], log["entries"], log["root"]) == (name, size, root.hex()), "it is of another log")
    demand(head["looked_at"] == {"first": 1, "last": size}, "not the whole log was looked at")
    places = [item["position"] for item in items]
    demand(len(items) == end["count"], "the count is not that of the items")
    demand(places == sorted(places) and all(1 <= place <= size for place in places), "the order is not the log's")
    demand(len({item["id"] for item in items}) == len(items), "an item is there twice")
    bounds = (places[0], places[-1]) if places else (None, None)
    demand((end.get("first"), end.get("last")) == bounds, "the first or last place is not that of the items")
    return head, items, end, sha256


def leaves_of(key, folder, log):
    # The log may have grown since: what it was is how it begins.
    size, _ = checkpoint_of((folder / "checkpoint").read_text(), *key_of(key))
    demand(log["entries"] <= size, f"the tiles are of {size} entries, and the log had {log['entries']}")
    leaves = list(entries(folder, size))[: log["entries"]]
    found = root_of([hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves])
    demand(found.hex() == log["root"], "the tiles do not lead to the root")
    return leaves


def in_tiles(key, folder, head, items, end):
    leaves = leaves_of(key, folder, head["log"])
    for item in items:
        expected = f"countersign-entry/1\n{item['intent']}\n{item['sequence']}\n{item['entry']}\n"
        demand(leaves[item["position"] - 1] == expected.encode(), f"{item['id']} is not at its place in the log")
    if head["query"]["of"] == "intents":
        begun = [leaf for leaf in leaves if leaf.split(b"\n")[1:3][0].startswith(b"int_") and leaf.split(b"\n")[2] == b"1"]
        told = end["count"] + sum(end["left_out"].values())
        demand(len(begun) == told, f"the log has {len(begun)} intents, and the population tells of {told}")


def sample(file, head, items, end, sha256):
    drawn_head, drawn, drawn_end, _ = whole(file)
    demand(drawn_head["form"] == "countersign-sample/1", "this is no sample")
    of = {"query": head["query"], "log": head["log"], "count": end["count"], "sha256": sha256}
    demand(drawn_head["population"] == of, "the sample is of another population")
    seed, most, by = drawn_head["seed"], drawn_head["count"], drawn_head.get("by")
    strata = {}
    for item in items:
        rank = hashlib.sha256(f"{seed} {item['id']}".encode()).hexdigest()
        strata.setdefault(item[by] if by else "all", []).append((rank, item["id"], item))
    expected, counted = [], {}
    for name in sorted(strata):
        chosen = sorted(strata[name], key=lambda ranked: ranked[:2])[:most]
        expected += [{"rank": rank, "stratum": name, "item": item} for rank, _, item in chosen]
        counted[name] = {"of": len(strata[name]), "drawn": len(chosen)}
    demand(drawn == expected, "another sample comes out")
    demand(drawn_end == {"count": len(expected), "strata": counted}, "the counts of the sample are others")


def case(key, file, folder):
    told = json.loads(pathlib.Path(file).read_text())
    demand(told["form"] == "countersign-case/1", "this is no case")
    name, *rest = key_of(key)
    size, root = checkpoint_of(told["log"]["checkpoint"], name, *rest)
    demand((told["log"]["entries"], told["log"]["root"]) == (size, root.hex()), "it is of another log")
    intent, own = told["chain"]["intent"], []
    for entry in told["entries"]:
        demand(hashlib.sha256(entry["entry"].encode()).hexdigest() == entry["sha256"], "an entry was changed")
        demand(entry["proof"].endswith(told["log"]["checkpoint"]), "a proof leads to another checkpoint")
        extra = entry["proof"].split("\n")[1].removeprefix("extra ")
        found = check(entry["proof"], key)
        place = f"{entry['position'] - 1} {told['log']['entries']} {entry['stream']} {entry['sequence']}"
        leaf = f"countersign-entry/1\n{entry['stream']}\n{entry['sequence']}\n{entry['sha256']}\n"
        demand(found == place and base64.b64decode(extra) == leaf.encode(), "a proof is of another entry")
        if entry["stream"] == intent:
            own.append(entry["sequence"])
    demand(own == list(range(1, len(own) + 1)) and own, "an entry of the intent is missing")
    if folder:
        there = sum(leaf.split(b"\n")[1] == intent.encode() for leaf in leaves_of(key, folder, told["log"]))
        demand(there == len(own), f"the log has {there} entries of the intent, and the case {len(own)}")
    return intent


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("key")
    parser.add_argument("population", nargs="?")
    parser.add_argument("--tiles", type=pathlib.Path)
    parser.add_argument("--sample")
    parser.add_argument("--case")
    arguments = parser.parse_args()
    try:
        if arguments.case:
            print("yes", case(arguments.key, arguments.case, arguments.tiles))
            return
        found = population(arguments.key, arguments.population)
        if arguments.tiles:
            in_tiles(arguments.key, arguments.tiles, *found[:3])
        if arguments.sample:
            sample(arguments.sample, *found)
        print("yes", found[2]["count"], found[2].get("first"), found[2].get("last"))
    except (ValueError, IndexError, KeyError, TypeError, OSError) as fault:
        print("no", fault.__class__.__name__, str(fault).split("\n")[0])
        sys.exit(1)


if __name__ == "__main__":
    main()
