#!/usr/bin/env python3
"""Audits a collector's log from the files of an archive (leaf.md, archive.md).
usage: verify.py ARCHIVE VERIFIER-KEY        exit code 0: verified, 1: not, 2: wrong usage"""
import base64, hashlib, pathlib, re, sys
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
def sha256(*pieces):
    return hashlib.sha256(b"".join(pieces)).digest()
def add(p, q):  # Ed25519, RFC 8032 §5.1, in extended coordinates
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)
def times(n, p):
    out = (0, 1, 1, 0)
    while n:
        out, p, n = add(out, p) if n & 1 else out, add(p, p), n >> 1
    return out
def same(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0
def point(data):
    y, sign = int.from_bytes(data, "little") & (1 << 255) - 1, data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        raise ValueError("not a point of the curve")
    x = x if x & 1 == sign else P - x
    return (x, y, 1, x * y % P)
def signed(public, text, signature):
    a, r, s = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    small = any(same(times(8, q), (0, 1, 1, 0)) for q in (a, r))
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % L
    base = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    return len(signature) == 64 and s < L and not small and same(times(s, base), add(r, times(k, a)))

def checkpoint(note, name, key_id, public):
    text, lines = note[:note.rindex(b"\n\n") + 1], note[note.rindex(b"\n\n") + 2:].decode().splitlines()
    ours = [base64.b64decode(line.split(" ")[2]) for line in lines if line.startswith(f"— {name} ")]
    ours = [blob[4:] for blob in ours if blob[:4] == key_id]
    if not ours or not all(signed(public, text, signature) for signature in ours):
        raise ValueError("it is not signed by this key")
    origin, size, root = text.decode().split("\n")[:3]
    if origin != name or not re.fullmatch("0|[1-9][0-9]*", size):
        raise ValueError(f"it is of the log {origin!r}, size {size!r}")
    return int(size), base64.b64decode(root, validate=True)

def roots(hashes, sizes):  # the root over the first n leaves for each n, RFC 6962 §2.1
    stack, found = [], {0: sha256()}
    for n, leaf in enumerate(hashes, 1):
        stack.append(leaf)
        for _ in range((n & -n).bit_length() - 1):
            stack[-2:] = [sha256(b"\1", *stack[-2:])]
        if n in sizes:
            found[n] = stack[-1]
            for left in reversed(stack[:-1]):
                found[n] = sha256(b"\1", left, found[n])
    return found

def tiles(kind, count):  # path, first and width of each tile of a level
    for n in range(-(-count // 256)):
        width = min(256, count - n * 256)
        number = re.sub(r"(\d{3})(?=\d)", r"x\1/", str(n).zfill(-(-len(str(n)) // 3) * 3))
        yield f"tile/{kind}/{number}" + ("" if width == 256 else f".p/{width}"), n * 256, width

def main(archive, key):
    name, key_id, encoded = key.strip().split("+", 2)
    key_id, encoded = bytes.fromhex(key_id), base64.b64decode(encoded, validate=True)
    if encoded[:1] != b"\1" or sha256(name.encode(), b"\n", encoded)[:4] != key_id:
        sys.exit("the verifier key is not one")
    log, findings, kept, leaves = pathlib.Path(archive, name.rsplit("/", 1)[1], "ledger"), [], {}, []
    read = lambda path: (log / path).read_bytes() if (log / path).is_file() else b""
    for path in ["checkpoint", *(p.relative_to(log).as_posix() for p in log.glob("checkpoints/**/[0-9]*"))]:
        try:
            kept[path] = checkpoint(read(path), name, key_id, encoded[1:])
        except (ValueError, IndexError) as error:
            findings.append(f"{path}: {error}")
    size = kept.get("checkpoint", (0,))[0]
    for path, _, width in tiles("entries", size):
        data = read(path)
        entries = [data[at + 2:at + 59] for at in range(0, len(data), 59) if data[at:at + 3] == b"\0\x39\1"]
        if len(entries) != width or len(data) != width * 59:
            findings.append(f"{path}: it is not {width} leaves of 57 bytes")
        leaves += ([sha256(b"\0", entry) for entry in entries] + [b"?" * 32] * width)[:width]
    level, hashes, compared = 0, leaves, 0
    while hashes:
        for path, at, width in tiles(level, len(hashes)):
            compared += 1
            if read(path) != b"".join(hashes[at:at + width]):
                findings.append(f"{path}: it is missing, or not what the entries give")
        level, hashes = level + 1, [roots(hashes[at:at + 256], {256})[256] for at in range(0, len(hashes) - 255, 256)]
    computed = roots(leaves, {its_size for its_size, _ in kept.values()})
    for path, (its_size, root) in kept.items():
        if computed.get(its_size) != root:
            findings.append(f"{path}: " + ("the entries give another root" if its_size <= size else "the log was cut back"))
    print(*findings, f"{name}: {size} entries, {compared} tiles, {len(kept)} checkpoints", "NOT VERIFIED" if findings else "verified", sep="\n")
    return 1 if findings else 0

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) == 3 else (print(__doc__) or 2))
