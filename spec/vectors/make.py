"""Makes the vectors from the specification's text alone (needs PyPI's cryptography)."""
import base64, hashlib, hmac, json, pathlib, struct, zlib
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

here = pathlib.Path(__file__).parent
sha256 = lambda data: hashlib.sha256(data).digest()
mac = lambda key, data: hmac.new(key, data, "sha256").digest()

def write(name, **values):
    """One value a line: name, space, text or hexadecimal digits."""
    lines = (f"{key} {value.hex() if isinstance(value, bytes) else value}\n" for key, value in values.items())
    (here / name).write_text("".join(lines))

def expand(prk, info, length, digest):
    out, block = b"", b""
    for counter in range(1, 256):
        block = hmac.new(prk, block + info + bytes([counter]), digest).digest()
        out += block
        if len(out) >= length:
            return out[:length]

def message_key(key, context, salt):
    okm = expand(key, b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context, 76, "sha256")
    return okm[:32], okm[32:44], okm[44:]

def chunked(key, context, salt, plain):
    """part.md, "Chunked encryption"."""
    aes, nonce, commitment = message_key(key, context, salt)
    out = salt + commitment
    for number in range(len(plain) // 16384 + 1):
        here_nonce = (int.from_bytes(nonce, "big") ^ number).to_bytes(12, "big")
        out += AESGCM(aes).encrypt(here_nonce, plain[number * 16384:][:16384], b"")
    return out

def unchunked(key, context, sealed):
    aes, nonce, commitment = message_key(key, context, sealed[:24])
    assert sealed[24:56] == commitment
    body, out, number = sealed[56:], b"", 0
    while True:
        here_nonce = (int.from_bytes(nonce, "big") ^ number).to_bytes(12, "big")
        chunk = AESGCM(aes).decrypt(here_nonce, body[:16400], b"")
        out, body, number = out + chunk, body[16400:], number + 1
        if len(chunk) < 16384:
            assert not body
            return out

def canonical(value):
    """envelope.md; enough for ASCII names and numbers that need no care."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

# part.md: scope key, pid, sealed bytes.
def scope(subject, period, tenant, class_):
    prk = hmac.new(b"\0" * 64, subject + period, "sha512").digest()
    okm = expand(prk, f"custody/scope/v1\0{tenant}\0{class_}".encode(), 96, "sha512")
    return okm[:32], okm[32:64], okm[64:]

subject, period = b"\1" * 32, b"\2" * 32
dedup, salting, sealing = scope(subject, period, "default", "standard")

def seal(compressed):
    return chunked(sealing, b"custody/part/v1", mac(salting, compressed)[:24], compressed)

content = b"thello"
sealed = seal(b"\0" + content)
(here / "pid.txt").write_text(mac(dedup, b"text\0" + content).hex() + "\n")
(here / "sealed.txt").write_text(sealed.hex() + "\n")

noise = b"b" + b"".join(sha256(bytes([n >> 8, n & 255])) for n in range(1024))
two_chunks = seal(b"\0" + noise)
# Frames of one block, RFC 8878, written out: stored, and one byte repeated.
stored = bytes.fromhex("28b52ffd2006310000") + content
repeated = bytes.fromhex("28b52ffd2064230300") + b"t"
def part_key(sealed):
    return b"".join(message_key(sealing, b"custody/part/v1", sealed[:24]))
# The one vector that our compressor made: a frame that points into the dictionary.
with_dictionary = dict(line.split(" ", 1) for line in (here / "dictionary.txt").read_text().splitlines())
write(
    "part.txt",
    tenant="default", **{"class": "standard"}, subject_key=subject, period_key=period,
    k_dedup=dedup, k_salt=salting, k_seal=sealing,
    content=content, pid=mac(dedup, b"text\0" + content), sealed=sealed,
    part_key=part_key(sealed),
    noise_length=len(noise), noise_sha256=sha256(noise), noise_pid=mac(dedup, b"opaque\0" + noise),
    noise_sealed_length=len(two_chunks), noise_sealed_sha256=sha256(two_chunks),
    zstd_sealed=seal(b"\1" + repeated), zstd_content=b"t" * 100, zstd_key=part_key(seal(b"\1" + repeated)),
    dictionary_stored_sealed=seal(b"\2" + stored), dictionary_stored_content=content,
    dictionary_stored_key=part_key(seal(b"\2" + stored)), dictionary_key=part_key(bytes.fromhex(with_dictionary["sealed"])),
    dictionary_sha256=sha256((here / "../../crates/seal/dict/v1.txt").read_bytes()),
)
opened = unchunked(sealing, b"custody/part/v1", bytes.fromhex(with_dictionary["sealed"]))
assert opened == bytes.fromhex(with_dictionary["compressed"]) and opened[:5] == b"\2\x28\xb5\x2f\xfd"
assert mac(salting, opened)[:24].hex() == with_dictionary["sealed"][:48]

# part.md: content encoding.
write(
    "content.txt",
    text=b"t" + "grüße".encode(), empty=b"t",
    fields=b'f{"call_id":"c1","name":"find_order","arguments":"{\\"n\\": 7}"}',
    order=b'f{"z":1,"a":{"n":12345678901234567890123,"f":0.10}}',
    json=b'j[1,null,"x"]', bytes=b"b\xff\0\1",
)

# envelope.md.
record_id, recorded = "0199a1b2-c3d4-7e5f-8a6b-0c1d2e3f4a5b", 1795435200123456
head = {"v": 1, "id": record_id, "collector": "c1", "recorded": recorded}
def part(role, kind, data, scope="subject"):
    return {"role": role, "kind": kind, "scope": scope, "length": len(data),
            "pid": mac(dedup, kind.encode() + b"\0" + data).hex(), "sha256": sha256(seal(b"\0" + data)).hex()}
interaction = canonical(head | {
    "kind": "interaction", "admission": 17, "origin": "proxy", "synthetic": False, "upstream": "openai",
    "client": {"bytes_sent": 4096, "completed": True},
    "correlation": {"attempt": 1, "session": "s1", "thread": "t_8a6b0c1d2e3f4a5b0c1d",
                    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"},
    "cost": {"micro_usd": 41, "source": "price-table", "table": "2026-11-01"},
    "keys": {"period": "22" * 16, "shared": "33" * 16, "subject": "11" * 16},
    "masking": {"counts": {"EMAIL": 1}, "detectors": "detectors/1", "policy": "default@1"},
    "model": {"answered": "small-1-a", "operation": "chat", "provider": "openai", "requested": "small-1",
              "params": {"seed": "9007199254740993", "temperature": 0.2, "top_p": 1}, "stream": True},
    "oddities": [{"code": "unknown_role", "detail": "messages[2]"}],
    "request": {"bytes": 200, "complete": True, "context_complete": True,
                "parts": [part("system", "text", b"tBe brief.", "shared"), part("user", "text", b"thi")],
                "skeleton": part("user", "skeleton", b'j{"method":"POST"}')},
    "response": {"bytes": 900, "finish_class": "stop", "finish_reasons": ["stop"], "outcome": "complete",
                 "parts": [part("assistant", "text", content) | {"withheld": True}], "status": 200},
    "retention": {"class": "standard"}, "signals": {"refusal": 10},
    "time": {"admitted": recorded - 2000000, "first_byte": recorded - 1500000, "last_byte": recorded - 400,
             "sent": recorded - 1999000},
    "timing": {"first_byte_us": 500000, "total_us": 1999600},
    "usage": {"cache_read": 0, "cache_write": 0, "input": 25, "normaliser": 1, "output": 8, "reasoning": 0,
              "raw": {"completion_tokens": 8, "prompt_tokens": 25}, "source": "provider", "total": 33},
    "who": {"credential": "k_0011223344556677", "identity": "header", "roles": ["support"],
            "tags": {"team": "grün"}, "user": "u_8899aabbccddeeff"},
})
gap = canonical(head | {"kind": "gap", "body": {
    "at_most": True, "count": 5, "numbers": [[3, 6], [9, 9]], "reason": "crash",
    "since": recorded - 5000000, "until": recorded}})
others = {
    "heartbeat": {"admitted": 17, "gaps": 6, "open": [[16, 16]], "recorded": 10},
    "recovery": {"damage": [{"bytes": 40, "file": "0000000000000001.journal", "kept_as": "", "offset": 512}],
                 "interrupted": 1, "unsealed": 2},
    "access": {"action": "show", "count": 1, "records": [record_id], "who": "local:auditor"},
    "alert": {"message": "grün — 2 of 3", "rule": "segment_parts_missing"},
    "configuration": {"event": "start", "mode": "evidence", "policy": "default@1", "version": "0.1.0"},
    "segment": {"files": [{"bytes": 4096, "crc32": 4294967295, "sha256": sha256(b"a file").hex(),
                           "name": "c1/records/class=standard/date=2026-11-23/000000000000-000000000007.parquet"}],
                "first": 0, "last": 7, "records": 8},
    "probe": {"archive": "s3://audit-bucket/prod", "held": False, "checks": [
        {"answer": "403 AccessDenied Access Denied; the object is as it was", "attempt": "delete by version", "outcome": "held"},
        {"answer": "200; the lock ends earlier", "attempt": "shorten", "outcome": "broken"}]},
    "erasure": {"approvals": [{"at": recorded - 3600000000, "by": "local:second"}], "basis": "request of the data subject (GDPR Art. 17)",
                "epoch": 2, "erasure": "0123456789abcdef", "keys": ["11" * 16], "records": 4, "requested_by": "local:first"},
    "expiry": {"class": "gdpr_minimal", "keys": ["22" * 16], "periods": ["2026-10-23"]},
    "hold": {"event": "placed", "hold": "case-2026-17", "reason": "claim of a customer", "records": 4, "subjects": ["11" * 16],
             "who": "local:counsel"},
    "tier": {"archive": "s3://audit-bucket/cold", "class": "standard", "day": "2026-11-23", "records": 2,
             "files": [{"bytes": 2048, "crc32": 7, "locked_until": recorded + 86400000000, "sha256": sha256(b"cold").hex(), "version": "v-3",
                        "name": "c1/records/class=standard/date=2026-11-23/000000000000-000000000007.cold.parquet"}],
             "from": ["c1/records/class=standard/date=2026-11-23/000000000000-000000000007.parquet",
                      "c1/parts/class=standard/date=2026-11-23/000000000000-000000000007.parquet"]},
}
# Of a kind that stands above, with the members that only some records have: <kind>.<what>.
others["segment.locked"] = others["segment"] | {
    "files": [file | {"locked_until": recorded + 86400000000, "version": "v-1"} for file in others["segment"]["files"]],
    "ledger": [{"name": "c1/ledger/checkpoints/008", "version": "v-2"}]}
others["expiry.files"] = {
    "class": "gdpr_minimal", "leaves": [[0, 1], [7, 7]], "numbers": [[3, 4]], "periods": ["2026-05-24"],
    "files": [f"c1/{kind}/class=gdpr_minimal/date=2026-05-24/000000000000-000000000007.parquet" for kind in ("parts", "records")]}
others["hold.lifted"] = others["hold"] | {"event": "lifted", "reason": "settled", "records": 0}
events = {name: canonical(head | {"kind": name.split(".")[0], "body": body}) for name, body in others.items()}
events["interaction.kept"] = canonical(json.loads(interaction) | {"retention": {
    "class": "standard", "content_until": recorded + 400 * 86400000000, "locked_until": recorded + 183 * 86400000000}})
# A later attempt, with a document that an event told of in its second part, and the event.
linked = json.loads(interaction)
linked["correlation"] |= {"attempt": 2, "retry_of": record_id}
linked["documents"] = [{"part": 1, "pid": part("tool", "document", b'f{"text":"thi"}')["pid"], "record": record_id}]
linked["model"]["format"] = "openai.chat_completions"
events["interaction.linked"] = canonical(linked)
own = lambda *of: part(*of, "shared") | {"key": "44" * 16}
for kind, facts, parts in [
    ("retrieval", {"documents": 1}, [part("user", "text", b"tthis"), own("tool", "document", b'f{"id":"d1","text":"thi"}')]),
    ("tool_call", {"name": "lookup", "outcome": "ok"}, [part("assistant", "tool_call", b'f{"arguments":{},"name":"lookup"}')]),
    ("review", {"decision": "approved"}, [part("user", "text", b"tbecause")]),
    ("feedback", {"score": 0.5}, []), ("note", {}, [part("user", "text", b"tnoted")])]:
    events[kind] = canonical({key: linked[key] for key in ("keys", "masking", "retention", "synthetic", "who")} | head | {
        "kind": kind, "origin": "event", "body": {"facts": facts} | ({"about": record_id} if kind == "review" else {}),
        "correlation": {"attempt": 1, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"},
        "content": {"parts": parts, "skeleton": part("user", "skeleton", b"j{}")},
        "time": {"admitted": recorded - 2000000, "last_byte": recorded - 400}})
events["interaction.token"] = canonical((token := json.loads(interaction)) | {
    "oddities": [{"code": "identity_overridden", "detail": "user"}],
    "who": token["who"] | {"caller": "t_0123456789abcdef", "identity": "token", "proven": ["roles", "user"]}})
write("envelope.txt", interaction=interaction.decode(), interaction_sha256=sha256(interaction),
      gap=gap.decode(), gap_sha256=sha256(gap),
      **{name: value for kind, bytes_ in events.items()
         for name, value in ((kind, bytes_.decode()), (kind + "_sha256", sha256(bytes_)))})

# leaf.md.
def leaf(envelope):
    return b"\1" + bytes.fromhex(record_id.replace("-", "")) + struct.pack(">q", recorded) + sha256(envelope)
leaves = [leaf(interaction), leaf(gap)]
hashes = [sha256(b"\0" + entry) for entry in leaves]
signer = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
public = signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
origin = "custody.local/0123abcd/c1"
key_id = sha256(origin.encode() + b"\n\1" + public)[:4]
b64 = lambda data: base64.b64encode(data).decode()
root = sha256(b"\1" + hashes[0] + hashes[1])
text = f"{origin}\n2\n{b64(root)}\n"
note = text + f"\n— {origin} {b64(key_id + signer.sign(text.encode()))}\n"
verifier = origin + "+" + key_id.hex() + "+" + b64(b"\1" + public)
write("leaf.txt", id=record_id, time=recorded, envelope_sha256=sha256(interaction), leaf=leaves[0],
      leaf_hash=hashes[0], bundle=b"".join(struct.pack(">H", 57) + entry for entry in leaves),
      tile=b"".join(hashes), root=root, signing_key=b"\7" * 32, verifier_key=verifier, checkpoint=note.encode())

# journal.md: one frame of each kind.
def frame(kind, payload):
    return b"CJf1" + struct.pack("<II", len(payload), zlib.crc32(bytes([kind]) + payload)) + bytes([kind]) + payload
header = canonical({"collector": "c1", "continues": False, "created": recorded, "first_leaf": 0,
                    "gap_numbers": 0, "recorded": 0, "reserved": 1, "unframed": [], "v": 1})
number, pid = 17, mac(dedup, b"text\0" + content)
frames = dict(
    start=frame(1, header), reserve=frame(2, struct.pack("<QQ", 1, 65)),
    release=frame(3, struct.pack("<QQ", 18, 65)), part=frame(4, pid + sealed),
    admitted=frame(5, struct.pack("<Q", number) + interaction),
    piece=frame(6, struct.pack("<Q", number) + b"sealed"),
    record=frame(7, struct.pack("<QQ", 0, number) + leaves[0][1:17] + interaction),
)
edge = bytes([1, 0]) + struct.pack(">H", 2) + b"".join(hashes) + b"".join(struct.pack(">H", 57) + entry for entry in leaves)
write("journal.txt", **frames, edge=edge)

# keys.md: a whole key store, and a signing key.
root_key, store_key = b"\x0a" * 32, b"\x0b" * 32
lookup = mac(store_key, b"custody/lookup/v1")
def label(*path):
    return mac(lookup, b"".join(struct.pack("<Q", len(p.encode())) + p.encode() for p in path))
def row(kind, kid, label, key, salt, store_key=store_key):
    wrapped = chunked(store_key, b"custody/key-row/v1", salt, bytes([kind]) + kid + label + key)
    return struct.pack("<II", len(wrapped), zlib.crc32(wrapped)) + wrapped
labels = [label("subject", "default", "user", "u-1"), label("period", "default", "standard", "2026-11"),
          label("purpose", "custody/credential/v1"), label("period", "default", "standard", "2026-11-23")]
rows = [row(1, b"\x11" * 16, labels[0], subject, b"\x01" * 24), row(2, b"\x22" * 16, labels[1], period, b"\x02" * 24),
        row(3, b"\x33" * 16, labels[2], b"\x0c" * 32, b"\x03" * 24)]
# Epoch 2: the month's key is gone but for what a hold keeps, the lookup key stays in a row, the subject's key stays.
second_key = b"\x0d" * 32
second_rows = [row(3, b"\x44" * 16, b"\0" * 32, lookup, b"\x09" * 24, second_key),
               row(1, b"\x11" * 16, labels[0], subject, b"\x0a" * 24, second_key),
               row(2, b"\x55" * 16, labels[3], b"\x0e" * 32, b"\x0b" * 24, second_key)]
holds = json.dumps([{"hold": "case-2026-17", "placed": recorded, "reason": "claim of a customer", "who": "local:counsel", "scopes": [
    {"subject": "11" * 16, "period": "22" * 16, "tenant": "default", "class": "standard",
     "key": (dedup + salting + sealing).hex()}]}], separators=(",", ":")).encode()
write("keys.txt", root_key=root_key, store_key=store_key,
      store_key_file=chunked(root_key, b"custody/store-key/v1", b"\x04" * 24, store_key),
      lookup_key=lookup, subject_label=labels[0], period_label=labels[1], purpose_label=labels[2],
      subject_row=rows[0], period_row=rows[1], purpose_row=rows[2], purpose_key=b"\x0c" * 32,
      pseudonym="u_" + mac(subject, b"custody/pseudonym/v1")[:8].hex(),
      pid=pid, signing_key_file=chunked(root_key, b"custody/signing-key/v1", b"\x05" * 24, b"\7" * 32),
      origin=origin, verifier_key=verifier,
      second_store_key=second_key, second_store_key_file=chunked(root_key, b"custody/store-key/v1", b"\x0c" * 24, second_key),
      second_lookup_row=second_rows[0], second_subject_row=second_rows[1],
      second_day_label=labels[3], second_day_row=second_rows[2],
      second_holds=holds.decode(), second_holds_file=chunked(second_key, b"custody/holds/v1", b"\x0d" * 24, holds))

# archive.md: names.
def spread(number):
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i:i + 3] for i in range(0, len(digits), 3)]
    return "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
ledger = "c1/ledger/"
write("archive.txt", installation="0123abcd", collector="c1", origin=origin,
      description=canonical({"format": 1, "collectors": {"c1": {"origin": origin, "key": verifier}}}).decode(),
      owner="c1/collector.json", owner_object=canonical({"origin": origin}).decode(), checkpoint=ledger + "checkpoint",
      checkpoint_of_7=ledger + "checkpoints/" + spread(7), checkpoint_of_70000=ledger + "checkpoints/" + spread(70000),
      full_tile=f"{ledger}tile/0/{spread(1234067)}", partial_tile=f"{ledger}tile/1/{spread(0)}.p/17",
      bundle=f"{ledger}tile/entries/{spread(273)}.p/112",
      records="c1/records/class=standard/date=2026-11-23/000000000000-000000000007.parquet",
      parts="c1/parts/class=standard/date=2026-11-23/000000000000-000000000007.parquet")

# anchors.md: a cosignature, a policy, a timestamp request, a witness's state, names.
cosigner = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
cosigner_public = cosigner.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
witness, at = "witness.example/w1", 1795435200
witness_id = sha256(witness.encode() + b"\n\4" + cosigner_public)[:4]
witness_key = f"{witness}+{witness_id.hex()}+{b64(bytes([4]) + cosigner_public)}"
cosignature = cosigner.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
line = f"— {witness} {b64(witness_id + struct.pack('>Q', at) + cosignature)}\n"
nonce = b"\x41" + b"\x42" * 7
def der(tag, *contents):
    content = b"".join(contents)
    assert len(content) < 128
    return bytes([tag, len(content)]) + content
request = der(0x30, der(2, b"\1"), der(0x30, der(0x30, der(6, bytes.fromhex("608648016503040201")), der(5)), der(4, sha256(note.encode()))),
              der(2, nonce), der(1, b"\xff"))
state = (f"custody witness state 1\norigin {origin}\nnumber 1\nbefore {'00' * 32}\nsize 2\nroot {b64(root)}\n"
         f"time {at}\nnote {len(note.encode())}\n{note}").encode()
write("anchors.txt", cosigning_key=b"\x08" * 32, witness_key=witness_key, time=at, line=line.encode(), note=(note + line).encode(),
      policy=f"log {verifier}\nwitness W {witness_key}\ngroup G any W\nquorum G\n".encode(),
      nonce=nonce, timestamp_request=request, state=state + f"sum {sha256(state).hex()}\n".encode(),
      state_name=sha256(origin.encode()).hex()[:32],
      cosigned_of_70000=f"{ledger}anchors/{spread(70000)}/witness-{witness_id.hex()}.note",
      timestamp_of_7=f"{ledger}anchors/{spread(7)}/timestamp.tsr")
# segment.md: both files, written out as Parquet by hand, and what the columns of a record say.
def varint(n):
    return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)
def thrift(value):
    """Thrift's compact protocol: a struct is a dict by field number, with integers of 32 bits unless they are Long."""
    kind = {bytes: 8, list: 9, dict: 12, Long: 6}.get(type(value), 5)
    if kind in (5, 6):
        return kind, varint(value << 1)
    if kind == 8:
        return kind, varint(len(value)) + value
    if kind == 9:
        items = [thrift(item) for item in value]
        return kind, bytes([len(items) << 4 | items[0][0]]) + b"".join(item for _, item in items)
    out, last = b"", 0
    for number, member in sorted(value.items()):
        member_kind, encoded = thrift(member)
        out, last = out + bytes([number - last << 4 | member_kind]) + encoded, number
    return kind, out + b"\0"
class Long(int):
    """An integer of 64 bits."""
WIDTH64, BYTES, FIXED = 2, 6, 7
def zstandard(data):
    """A Zstandard frame of one block that is stored as it is, RFC 8878 section 3.1.1."""
    return bytes.fromhex("28b52ffda0") + struct.pack("<I", len(data)) + struct.pack("<I", len(data) << 3 | 1)[:3] + data
def parquet(rows, *columns, codec=0):
    """A Parquet file of one row group, plain, without nulls, codec 0 (none) or 6 (Zstandard). columns: name, physical type, converted type."""
    file, chunks = b"PAR1", []
    for (name, kind, _), values in zip(columns, zip(*rows)):
        plain = {WIDTH64: lambda n: struct.pack("<Q", n), FIXED: bytes, BYTES: lambda data: struct.pack("<I", len(data)) + data}[kind]
        page, at = b"".join(map(plain, values)), len(file)
        stored = zstandard(page) if codec == 6 else page
        header = {1: 0, 2: len(page), 3: len(stored), 5: {1: len(rows), 2: 0, 3: 3, 4: 3}}
        whole = Long(len(thrift(header)[1] + page))
        file += thrift(header)[1] + stored
        size = Long(len(file) - at)
        chunks.append({2: Long(at), 3: {1: kind, 2: [0], 3: [name.encode()], 4: codec, 5: Long(len(rows)), 6: whole, 7: size, 9: Long(at)}})
    fields = [{4: b"schema", 5: len(columns)}]
    for name, kind, converted in columns:
        fields.append({1: kind, 3: 0, 4: name.encode()} | ({2: 32} if kind == FIXED else {}) | ({6: converted} if converted is not None else {}))
    footer = thrift({1: 1, 2: fields, 3: Long(len(rows)), 4: [{1: chunks, 2: Long(len(file)), 3: Long(len(rows))}]})[1]
    return file + footer + struct.pack("<I", len(footer)) + b"PAR1"
UTF8, UINT64 = 0, 14
told = json.loads(interaction)
columns = {
    "leaf_index": 0, "id": record_id, "kind": "interaction", "collector": "c1", "recorded": recorded,
    "admitted": told["time"]["admitted"], "synthetic": False, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "session": "s1",
    "thread": "t_8a6b0c1d2e3f4a5b0c1d", "origin": "proxy", "upstream": "openai", "provider": "openai", "operation": "chat",
    "model_requested": "small-1", "model_answered": "small-1-a", "outcome": "complete", "finish_class": "stop",
    "user": "u_8899aabbccddeeff", "credential": "k_0011223344556677", "environment": None, "service": None,
    "retention_class": "standard", "admission": 17, "status": 200, "input_tokens": 25, "output_tokens": 8, "total_tokens": 33,
    "cost_micro_usd": 41, "first_token_us": None, "total_us": 1999600, "masked": 1,
}
gap_columns = dict.fromkeys(columns) | {"leaf_index": 1, "id": record_id, "kind": "gap", "collector": "c1", "recorded": recorded}
records_rows = [(0, record_id.encode(), interaction), (1, record_id.encode(), gap)]
records_columns = ("leaf_index", WIDTH64, UINT64), ("id", BYTES, UTF8), ("envelope", BYTES, None)
write("segment.txt", interaction_columns=json.dumps(columns), gap_columns=json.dumps(gap_columns),
      records_file=parquet(records_rows, *records_columns),
      records_file_zstandard=parquet(records_rows, *records_columns, codec=6),
      parts_file=parquet([(pid, len(sealed), sealed)], ("pid", FIXED, None), ("length", WIDTH64, UINT64), ("sealed", BYTES, None)))
# keys.md, "Wrapped keys": version 2, by a root secret.
root_id = mac(root_key, b"custody/root-id/v1")[:8].hex()
def wrapped(purpose, salt, key):
    line = canonical({"key": root_id, "provider": "file", "purpose": purpose})
    return b"custody-key/v2\n" + line + b"\n" + chunked(root_key, purpose.encode() + b"\0" + line, salt, key)
write("wrapped.txt", root_key=root_key, root_id=root_id, store_key=store_key, origin=origin, verifier_key=verifier,
      store_key_file=wrapped("custody/store-key/v1", b"\x06" * 24, store_key),
      signing_key_file=wrapped("custody/signing-key/v1", b"\x07" * 24, b"\7" * 32))

# leaf.md, "Change of key": a log of three records, the third of which hands over.
next_signer = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
next_public = next_signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
next_id = sha256(origin.encode() + b"\n\1" + next_public)[:4]
next_verifier = origin + "+" + next_id.hex() + "+" + b64(b"\1" + next_public)
change = canonical(head | {"kind": "key_change", "body": {"new": next_verifier, "old": verifier}})
third = sha256(b"\0" + leaf(change))
both = f"{origin}\n3\n{b64(sha256(bytes([1]) + root + third))}\n"
both += f"\n— {origin} {b64(key_id + signer.sign(both.encode()))}\n— {origin} {b64(next_id + next_signer.sign(both.encode()))}\n"
write("handover.txt", index=2, old=verifier, new=next_verifier, envelope=change.decode(), leaf=leaf(change),
      before=note.encode(), both=both.encode(), object=ledger + "key-changes/" + spread(2))
