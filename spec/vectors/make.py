"""Makes the vectors of part.md from the specification's text alone (needs PyPI's cryptography)."""
import hashlib, hmac, pathlib
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

here = pathlib.Path(__file__).parent

def expand(prk, info, length, digest):
    out, block = b"", b""
    for counter in range(1, 256):
        block = hmac.new(prk, block + info + bytes([counter]), digest).digest()
        out += block
        if len(out) >= length:
            return out[:length]

subject, period = b"\1" * 32, b"\2" * 32
prk = hmac.new(b"\0" * 64, subject + period, "sha512").digest()
okm = expand(prk, b"custody/scope/v1\0default\0standard", 96, "sha512")
dedup, salting, sealing = okm[:32], okm[32:64], okm[64:]

content = b"thello"
pid = hmac.new(dedup, b"text\0" + content, "sha256").hexdigest()
compressed = b"\0" + content
salt = hmac.new(salting, compressed, "sha256").digest()[:24]
okm = expand(sealing, b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + b"custody/part/v1", 76, "sha256")
key, nonce, commitment = okm[:32], okm[32:44], okm[44:]
sealed = salt + commitment + AESGCM(key).encrypt(nonce, compressed, b"")

(here / "pid.txt").write_text(pid + "\n")
(here / "sealed.txt").write_text(sealed.hex() + "\n")
