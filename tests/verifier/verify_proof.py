"""Checks a proof of a countersign log: a second implementation, written from the specifications alone.

    verify_proof.py KEY [FILE ...]

Read: RFC 8032 section 5.1 (Ed25519), RFC 9162 section 2.1.3.2 (inclusion), c2sp.org/signed-note, /tlog-checkpoint and
/tlog-proof. One line a file: `yes INDEX SIZE STREAM SEQUENCE`, or `no REASON`; the status is 1 if any is `no`.
"""

import base64
import hashlib
import re
import sys

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def demand(holds, reason):
    if not holds:
        raise ValueError(reason)


def add(a, b):
    """Sum of two points (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z."""
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    sum_ = (0, 1, 1, 0)
    while number:
        if number & 1:
            sum_ = add(sum_, point)
        point, number = add(point, point), number >> 1
    return sum_


def point_of(encoded):
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    demand(y < P, "no point")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_1 % P
    demand((x * x - square) % P == 0 and not (x == 0 and sign), "no point")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def signed(public, text, signature):
    base = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    s = int.from_bytes(signature[32:], "little")
    demand(len(signature) == 64 and s < L, "signature")
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % L
    a, b = times(s, base), add(point_of(signature[:32]), times(k, point_of(public)))
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def bytes_of(text):
    found = base64.b64decode(text, validate=True)
    demand(base64.b64encode(found).decode() == text, "base 64")
    return found


def number_of(text):
    demand(re.fullmatch("0|[1-9][0-9]*", text, re.ASCII) and int(text) < 2**64, "number")
    return int(text)


def checkpoint_of(note, name, key_id, public):
    text, below = note[: note.rindex("\n\n") + 1], note[note.rindex("\n\n") + 2 :]
    demand(below.endswith("\n"), "note")
    mine = 0
    for line in below[:-1].split("\n"):
        dash, who, signature = line.split(" ")
        signature = bytes_of(signature)
        demand(dash == "\u2014" and who and "+" not in who and len(signature) > 4, "signature line")
        if who == name and signature[:4] == key_id:
            demand(signed(public, text.encode(), signature[4:]), "signature")
            mine += 1
    demand(mine, "not signed with this key")
    origin, size, root, *_ = text.split("\n")[:-1]
    demand(origin == name, "another log")
    return number_of(size), bytes_of(root)


def key_of(text):
    name, key_id, encoded = text.split("+", 2)
    encoded = bytes_of(encoded)
    demand(encoded[0] == 1 and len(encoded) == 33, "key")
    found = hashlib.sha256(name.encode() + b"\n" + encoded).digest()[:4]
    demand(found.hex() == key_id, "key")
    return name, found, encoded[1:]


def check(proof, key):
    above, note = proof.split("\n\n", 1)
    form, extra, index, *path = above.split("\n")
    demand(form == "c2sp.org/tlog-proof@v1" and extra[:6] == "extra " and index[:6] == "index ", "form")
    leaf, index, path = bytes_of(extra[6:]), number_of(index[6:]), [bytes_of(line) for line in path]
    size, root = checkpoint_of(note, *key_of(key))
    demand(index < size, "index")
    here, last, found = index, size - 1, hashlib.sha256(b"\0" + leaf).digest()
    for sibling in path:
        demand(last > 0 and len(sibling) == 32, "path")
        if here & 1 or here == last:
            found = hashlib.sha256(b"\1" + sibling + found).digest()
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\1" + found + sibling).digest()
        here, last = here >> 1, last >> 1
    demand(last == 0 and found == root, "path")
    form, stream, sequence, entry, end = leaf.decode("ascii").split("\n")
    demand(form == "countersign-entry/1" and re.fullmatch("[0-9a-f]{64}", entry) and not end, "leaf")
    return f"{index} {size} {stream} {number_of(sequence)}"


def main():
    key, files = sys.argv[1], sys.argv[2:]
    status = 0
    for file in files:
        try:
            with open(file, "rb") as opened:
                print("yes", check(opened.read().decode(), key))
        except (ValueError, IndexError) as fault:
            status = 1
            print("no", fault.__class__.__name__, str(fault).split("\n")[0])
    sys.exit(status)


if __name__ == "__main__":
    main()
