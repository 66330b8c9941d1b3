"""Audits a collector's archive (see README.md). usage: verify.py ARCHIVE VERIFIER-KEY   exit code 0: verified, 1: not, 2: wrong usage"""
import base64, functools, hashlib, importlib, io, json, pathlib, re, struct, sys, zlib
P, L, ZERO, findings, entries = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493, (0, 1, 1, 0), [], []
D, I = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)
def sha256(*pieces): return hashlib.sha256(b"".join(pieces)).digest()
def tell(file, what, record=None): findings.append(f"{file}{'' if record is None else f', record {record}'}: {what}")
def add(p, q):  # Ed25519, RFC 8032 section 5.1, in extended coordinates
    a, b, c, d = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0]), 2 * p[3] * q[3] * D, 2 * p[2] * q[2]
    return ((b - a) * (d - c) % P, (d + c) * (b + a) % P, (d - c) * (d + c) % P, (b - a) * (b + a) % P)
def times(n, p): return functools.reduce(lambda out, bit: add(add(out, out), p if bit == "1" else ZERO), f"{n:b}", ZERO)
def same(p, q): return (p[0] * q[2] - q[0] * p[2]) % P == 0 == (p[1] * q[2] - q[1] * p[2]) % P
def point(data):  # none of small order
    y, sign = int.from_bytes(data, "little") & (1 << 255) - 1, data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    for p in ((x, y, 1, x * y % P) for x in (pow(square, (P + 3) // 8, P) * i % P for i in (1, -1, I, -I))):
        if p[0]**2 % P == square and p[0] & 1 == sign and y < P and not same(times(8, p), ZERO): return p
    raise ValueError("a key or a signature is not a point of the curve")
def signed(public, text, signature):
    a, r, s = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % L
    return len(signature) == 64 and s < L and same(times(s, point(b"\x58" + b"\x66" * 31)), add(r, times(k, a)))
def checkpoint(note, name, key_id, public):  # leaf.md: its size and root
    text, lines = note.decode().split("\n\n")
    blobs = (base64.b64decode(line.split(" ")[2]) for line in lines.split("\n") if line.startswith(f"— {name} "))
    ours = [signed(public, f"{text}\n".encode(), blob[4:]) for blob in blobs if blob[:4] == key_id]
    if not ours or not all(ours) or text.split("\n")[0] != name: raise ValueError("the log or the signature is another one")
    return int(text.split("\n")[1]), base64.b64decode(text.split("\n")[2], validate=True)
@functools.cache
def root(first, end):  # over these entries, RFC 6962 section 2.1
    middle = first + (1 << max(end - first - 1, 1).bit_length() - 1)
    return sha256(b"\1", root(first, middle), root(middle, end)) if end - first > 1 else sha256(*(b"\0" + e for e in entries[first:end]))
def tiles(kind, count):  # path and span of each tile of a level
    for span in (range(n, min(n + 256, count)) for n in range(0, count, 256)):
        yield re.sub(r"(\d+),", lambda g: f"x{g[1]:0>3}/", f"{kind}/{span.start // 256:03,}") + f".p/{len(span)}" * (len(span) < 256), span
def varint(f): return (varint(f) << 7 if (byte := f.read(1)[0]) > 127 else 0) | byte & 127
def thrift(f, kind=12):  # Thrift's compact protocol, in which Parquet describes itself; a struct is a dict by field number
    if kind == 12:
        fields, number = {}, 0
        while head := f.read(1)[0]:
            number = number + (head >> 4) if head >> 4 else thrift(f, 4)
            fields[number] = head & 15 == 1 if head & 15 < 3 else thrift(f, head & 15)
        return fields
    head = f.read(1)[0] if kind in (3, 9) else varint(f)
    if kind == 9: return [thrift(f, head & 15) for _ in range(head >> 4 if head < 240 else varint(f))]
    return head if kind == 3 else f.read(head) if kind == 8 else head >> 1 ^ -(head & 1)
def unpack(codec, data, size):  # codec 0 is none, 2 gzip, 6 Zstandard (of cold files), which needs Python 3.14 or PyPI's zstandard
    zstd = importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "zstandard") if codec == 6 else None
    return zstd.open(io.BytesIO(data)).read(size) if zstd else zlib.decompressobj(31).decompress(data, max(size, 1)) if codec else data
def column(data, chunk):  # of pages that are plain, of version 1 and without nulls (segment.md)
    f, values, width = io.BytesIO(data[chunk[9]:]), [], {2: 8, 6: None, 7: 32}[chunk[1]]  # 64 bits, bytes after their length, 32 bytes
    while len(values) < chunk[5]:
        page, at = unpack(chunk[4], f.read((head := thrift(f))[3]), head[2]), 0
        if head[1] or head[5][2]: raise ValueError("a page is not plain")
        while at < len(page):
            size = width or int.from_bytes(page[at:at + 4], "little")
            at += size + (0 if width else 4)
            values.append(page[at - size:at])
    return values
def rows(data, *wanted):  # of a Parquet file, of the columns at these places
    groups = thrift(io.BytesIO(data[-8 - int.from_bytes(data[-8:-4], "little"):-8]))[4]
    return [row for group in groups for row in zip(*(column(data, group[1][n][3]) for n in wanted), strict=True)]
def main(archive, key):
    archive, (name, key_id, public), kept, seen, named = pathlib.Path(archive), key.strip().split("+", 2), {}, set(), {}
    home, gone = name.rsplit("/", 1)[-1], set()  # gone: files that the log says went, past their time or to the cold tier
    def read(path): return (archive / path).read_bytes() if (archive / path).is_file() else b""
    def files(pattern): return sorted(p.relative_to(archive).as_posix() for p in archive.glob(f"{home}/{pattern}") if p.is_file())
    for path in files("ledger/checkpoints/**/*") + [f"{home}/ledger/checkpoint"]:
        try: kept[path] = checkpoint(read(path), name, bytes.fromhex(key_id), base64.b64decode(public)[1:])
        except (ValueError, IndexError) as error: tell(path, f"it is not a checkpoint of this key: {error}")
    size = kept.get(f"{home}/ledger/checkpoint", (0,))[0]
    for path, span in tiles(f"{home}/ledger/tile/entries", size):
        data = read(path)
        entries.extend(data[at + 2:at + 59] for at in range(0, 59 * len(span), 59))
        if data != b"".join(b"\0\x39" + entry for entry in entries[span.start:]): tell(path, f"it is not {len(span)} leaves of 57 bytes")
    for level, path, span in ((level, *tile) for level in range(8) for tile in tiles(f"{home}/ledger/tile/{level}", size >> 8 * level)):
        if read(path) != b"".join(root(n << 8 * level, n + 1 << 8 * level) for n in span): tell(path, "the entries give another tile")
    for path, (n, top) in kept.items():
        if n > size or root(0, n) != top: tell(path, "the log was cut back" if n > size else "the entries give another root")
    for path in files("records/**/*"):
        where = twin = path.replace("/records/", "/parts/")
        try:
            where, parts = path, {pid.hex(): sha256(sealed).hex() for pid, sealed in rows(read(twin), 0, 2)} if read(twin) else {}
            for index, envelope in ((int.from_bytes(index, "little"), envelope) for index, envelope in rows(read(path), 0, -1)):
                kind, body = (record := json.loads(envelope))["kind"], record.get("body", {})
                leaf = b"\1" + bytes.fromhex(record["id"].replace("-", "")) + struct.pack(">q", record["recorded"]) + sha256(envelope)
                seen.add(index) if entries[index:index + 1] == [leaf] else tell(path, "the envelope is not the one that was logged", index)
                for part in sum(([*side["parts"], side.get("skeleton")] for side in map(record.get, ("request", "response")) if side), []):
                    if part and parts.get(part["pid"]) != part["sha256"]: tell(twin, f"part {part['pid']} is missing or changed", index)
                named |= {f["name"]: [f["bytes"], f["sha256"]] for f in body["files"]} if kind in ("segment", "tier") else {}
                gone.update(body["from"] if kind == "tier" else body.get("files", []) if kind == "expiry" else [])
                for a, b in body.get("leaves", []) if kind == "expiry" else []: seen.update(range(max(a, 0), min(b + 1, size)))
        except Exception as error: tell(where, f"it cannot be read ({type(error).__name__}: {error})")
    for index in sorted({*range(max(seen, default=0))} - seen): tell(f"{home}/records", "its envelope is in no file", index)
    there, newest = files("[pr]*/**/*"), max((last for path in named for last in re.findall(r"-(\d{12})\.", path)), default="")
    for path in (path for path in sorted({*there, *named}) if named.get(path) != [len(read(path)), sha256(read(path)).hex()]):
        if path in named and (path in there or path not in gone): tell(path, "it was changed" if path in there else "it is missing")
        elif path not in named and "".join(re.findall(r"/(\d{12})-\d{12}\.", path)) <= newest: tell(path, "no record names it")
    print(*findings, f"{name}: {len(kept)} checkpoints, {size} records, {len(seen)} of them in segments", sep="\n")
    return print("NOT VERIFIED" if findings else "verified") or len(findings) > 0
if __name__ == "__main__": sys.exit(main(*sys.argv[1:]) if len(sys.argv) == 3 and sys.argv[2].count("+") > 1 else print(__doc__) or 2)
