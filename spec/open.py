#!/usr/bin/env python3
"""Opens one disclosed part (part.md) with PyPI's cryptography, and writes its content to standard output.
usage: open.py SEALED-FILE PART-KEY [DICTIONARY]        exit code 0: opened, 1: not, 2: wrong usage
  SEALED-FILE  the sealed bytes, as the archive has them; PART-KEY  76 bytes as hexadecimal digits, or a file that holds them
  DICTIONARY   the dictionary of codec 02, crates/seal/dict/v1.txt, unless it lies there
Both come from `custody show ID --disclose PID -o SEALED-FILE`. Content that is compressed needs Python 3.14, or PyPI's zstandard."""
import hashlib, hmac, pathlib, sys

DICTIONARY = "78795c4186bbe3ae3c468201cdd8c55296458bd24b3eb1a8be778b32945fb1c4"
LARGEST, CHUNK, TAG = 256 << 20, 16384, 16

class Closed(Exception):
    """Why the part does not open."""

def decrypt(sealed, part_key):
    """The compressed bytes: C2SP chunked-encryption, the commitment compared before anything is decrypted."""
    try:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise Closed("AES-GCM is not in the standard library: pip install cryptography")
    if len(part_key) != 76:
        raise Closed(f"a part key has 76 bytes, this one {len(part_key)}")
    key, nonce, commitment = part_key[:32], int.from_bytes(part_key[32:44], "big"), part_key[44:]
    if len(sealed) < 24 + 32 + TAG:
        raise Closed("the file is too short to be a sealed part")
    if not hmac.compare_digest(sealed[24:56], commitment):
        raise Closed("the commitment is another one: the key is not this part's, or the file was changed")
    body, plain = sealed[56:], b""
    if len(body) % (CHUNK + TAG) < TAG:
        raise Closed("the file is cut: its last chunk must be shorter than the others")
    for number, at in enumerate(range(0, len(body), CHUNK + TAG)):
        try:
            plain += AESGCM(key).decrypt((nonce ^ number).to_bytes(12, "big"), body[at:at + CHUNK + TAG], b"")
        except InvalidTag:
            raise Closed(f"chunk {number} was changed")
    return plain

def zstandard(frame, dictionary):
    """Undoes Zstandard with what this Python has."""
    if sys.version_info >= (3, 14):
        from compression import zstd
        if zstd.get_frame_info(frame).decompressed_size > LARGEST:
            raise Closed("the content is larger than 256 MiB")
        return zstd.decompress(frame, zstd_dict=zstd.ZstdDict(dictionary, is_raw=True) if dictionary else None)
    try:
        import zstandard as zstd
    except ImportError:
        raise Closed("the content is compressed: use Python 3.14 or newer, or pip install zstandard")
    if not 0 <= zstd.frame_content_size(frame) <= LARGEST:
        raise Closed("the content's size is not told, or larger than 256 MiB")
    raw = zstd.ZstdCompressionDict(dictionary, dict_type=zstd.DICT_TYPE_RAWCONTENT) if dictionary else None
    return zstd.ZstdDecompressor(dict_data=raw).decompress(frame)

def content(compressed, place):
    """The encoded content: a tag byte and the body."""
    codec, body = compressed[:1], compressed[1:]
    if codec == b"\x00":
        return body
    if codec not in (b"\x01", b"\x02"):
        raise Closed(f"codec {codec.hex() or 'none'} is not known to this program")
    dictionary = None
    if codec == b"\x02":
        dictionary = place.read_bytes() if place.is_file() else None
        if dictionary is None or hashlib.sha256(dictionary).hexdigest() != DICTIONARY:
            raise Closed(f"the content is compressed with a dictionary, and {place} is not it: name it as third argument")
    try:
        return zstandard(body, dictionary)
    except Closed:
        raise
    except Exception as error:
        raise Closed(f"the content does not unpack: {error}")

def main(sealed, key, dictionary=pathlib.Path(__file__).parent / "../crates/seal/dict/v1.txt"):
    try:
        sealed = pathlib.Path(sealed).read_bytes()
        text = pathlib.Path(key).read_text() if len(key) < 152 else key
        try:
            key = bytes.fromhex(text.strip())
        except ValueError:
            raise Closed("the part key is not hexadecimal digits")
        plain = content(decrypt(sealed, key), pathlib.Path(dictionary))
        if plain[:1] not in (b"t", b"f", b"j", b"b"):
            raise Closed(f"content of kind {plain[:1].hex() or 'none'} is not known to this program")
    except (Closed, OSError, UnicodeDecodeError) as error:
        print(f"not opened: {error}", file=sys.stderr)
        return 1
    print(f"SHA-256 of the sealed bytes: {hashlib.sha256(sealed).hexdigest()}", file=sys.stderr)
    sys.stdout.buffer.write(plain[1:])
    return 0

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) in (3, 4) else print(__doc__) or 2)
