"""What the tagger knows of a token before it looks round. `src/features.rs` does the same: change both."""

import json
import struct

import numpy as np
import regex
from murmurhash.mrmr import hash as _  # noqa: F401  the package that spaCy hashes with is there
from spacy.strings import hash_string
from thinc.api import NumpyOps

from tokens import tokens

OPS = NumpyOps()
TABLES = (("norm", 5000, 8), ("prefix", 1000, 9), ("suffix", 2500, 10), ("shape", 2500, 11))  # rows and seeds of md
GRAMS = 24_000  # rows
GRAM_KINDS = 7
CHUNK = 256  # tokens

ROADS = ("straße", "strasse", "str.", "gasse", "allee", "platz", "damm", "ufer", "straat", "laan", "gracht", "singel", "gatan", "vägen",
         "gränd", "katu", "kuja", "polku", "vej", "vegen", "veien", "gade", "stræde", "weg", "plein", "stien", "utca", "tie")

(STREET_END, NAME_STEM, PLACE_STEM, OPAQUE, MIXED, TITLED, CAPITALS, SPACE, LINE_START, LINE_END, NO_CAPITALS, ALL_CAPITALS,
 PHRASE_CITY, PHRASE_LAND, PHRASE_START, GLUED) = (1 << i for i in range(16, 32))
FIRST, LAST, CITY, COUNTRY, REGION = 1, 2, 4, 8, 16
COMMON = 1 << 10


def murmur(text, seed):
    """MurmurHash64A of the UTF-8 bytes."""
    data = text.encode()
    m, mask = 0xC6A4A7935BD1E995, (1 << 64) - 1
    h = (seed ^ len(data) * m) & mask
    whole = len(data) // 8
    for (k,) in struct.iter_unpack("<Q", data[: whole * 8]):
        k = k * m & mask
        k ^= k >> 47
        k = k * m & mask
        h = (h ^ k) * m & mask
    rest = data[whole * 8 :]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h ^= h >> 47
    h = h * m & mask
    return h ^ h >> 47


def shape(text):
    if len(text) >= 100:
        return "LONG"
    out, last, run = [], "", 0
    for c in text:
        if regex.match(r"\p{Alphabetic}", c):
            s = "X" if regex.match(r"\p{Uppercase}", c) else "x"
        elif regex.match(r"\p{N}", c):
            s = "d"
        else:
            s = c
        run = run + 1 if s == last else 0
        last = s
        if run < 4:
            out.append(s)
    return "".join(out)


class Features:
    def __init__(self, gazetteer, vectors=None):
        """gazetteer: what gazetteer.py wrote; vectors: {32 low bits of the hash of a word: row}."""
        both = json.load(open(gazetteer)) if isinstance(gazetteer, str) else gazetteer
        self.words, self.phrases = both["words"], both["phrases"]
        self.vectors = vectors or {}
        self.seen = {}

    def vector(self, text):
        for form in (text, text.lower(), text[:1].upper() + text[1:].lower()):
            row = self.vectors.get(hash_string(form) & 0xFFFFFFFF)
            if row is not None:
                return row + 1
        return 0

    def word(self, token):
        """(16 rows of md's tables, row of the vector, rows of letter groups, bits)."""
        key = (token.text, token.kind)
        known = self.seen.get(key)
        if known is not None:
            return known
        text, kind = token.text, token.kind
        opaque = kind in ("url", "mail")
        norm = ("<" + kind + ">") if opaque else text.lower()
        form = ("<" + kind + ">") if opaque else shape(text)
        values = (norm, norm[:1] if opaque else text[:1], norm[-3:] if opaque else text[-3:], form)
        rows = []
        for value, (_, size, seed) in zip(values, TABLES):
            rows.extend(int(x) % size for x in OPS.hash(np.array([hash_string(value)], dtype="uint64"), seed)[0])
        plain = "".join("0" if regex.match(r"\p{N}", c) else c for c in norm)
        groups = (plain, plain[:2], plain[:3], plain[:4], plain[-2:], plain[-3:], plain[-4:])
        grams = [murmur(g, 100 + i) % GRAMS for i, g in enumerate(groups)]
        known = (rows, 0 if opaque else self.vector(text), grams, self.bits(text, norm, kind))
        self.seen[key] = known
        return known

    def bits(self, text, norm, kind):
        if kind in ("url", "mail"):
            return OPAQUE
        if kind not in ("word", "num", "han"):
            return 0
        bits = self.words.get(norm, 0)
        if kind == "word":
            if len(norm) > 4 and norm.endswith(ROADS):
                bits |= STREET_END
            if not bits & (FIRST | LAST | CITY | COUNTRY | REGION | COMMON) and len(norm) > 4:
                for cut in (1, 2):
                    stem = self.words.get(norm[:-cut], 0)
                    if not stem & COMMON:
                        bits |= NAME_STEM if stem & (FIRST | LAST) else 0
                        bits |= PLACE_STEM if stem & (CITY | COUNTRY | REGION) else 0
            if regex.match(r"\p{Uppercase}", text):
                rest = text[1:]
                if rest and rest == rest.lower():
                    bits |= TITLED
                elif rest and text == text.upper():
                    bits |= CAPITALS
        if regex.search(r"\p{N}", text) and regex.search(r"\p{Alphabetic}", text):
            bits |= MIXED
        return bits

    def read(self, found):
        """Rows (n, 16), vector (n,), grams (n, 7), bits (n,) of the tokens of a chunk."""
        n = len(found)
        words = [self.word(t) for t in found]
        bits = [w[3] for w in words]
        texts = [t for t in found if t.kind == "word"]
        around = 0
        if len(texts) >= 4:
            if not any(regex.search(r"\p{Uppercase}", t.text) for t in texts):
                around = NO_CAPITALS
            else:
                long = [t for t in texts if len(t.text) > 1]
                high = sum(1 for t in long if t.text == t.text.upper())
                if len(long) >= 4 and high * 5 >= len(long) * 4:
                    around = ALL_CAPITALS
        for i, t in enumerate(found):
            bits[i] |= around
            if t.kind == "line":
                continue
            if t.space:
                bits[i] |= SPACE
            if i == 0 or found[i - 1].kind == "line":
                bits[i] |= LINE_START
            if i + 1 == n or found[i + 1].kind == "line":
                bits[i] |= LINE_END
            elif not found[i + 1].space:
                bits[i] |= GLUED
        i = 0
        low = [t.text.lower() for t in found]
        while i < n:
            step = 1
            if found[i].kind in ("word", "han"):
                for size in range(min(5, n - i), 1, -1):
                    what = self.phrases.get(" ".join(low[i : i + size]))
                    if what:
                        for j in range(i, i + size):
                            bits[j] |= PHRASE_CITY if what & CITY else PHRASE_LAND
                        bits[i] |= PHRASE_START
                        step = size
                        break
            i += step
        return (np.array([w[0] for w in words], np.int32).reshape(n, 16), np.array([w[1] for w in words], np.int32),
                np.array([w[2] for w in words], np.int32).reshape(n, GRAM_KINDS), np.array(bits, np.uint32))


def chunks(found):
    """Cuts the tokens of a text where a cut hurts least."""
    start = 0
    while len(found) - start > CHUNK:
        cut = None
        for good in (lambda t: t.kind == "line" and t.text == "\n\n", lambda t: t.kind == "line",
                     lambda t: t.text in (".", "!", "?", "。", ";")):
            for i in range(start + CHUNK - 1, start + CHUNK // 2 - 1, -1):
                if good(found[i]):
                    cut = i + 1
                    break
            if cut:
                break
        cut = cut or start + CHUNK
        yield found[start:cut]
        start = cut
    if start < len(found):
        yield found[start:]


def chunked(text):
    yield from chunks(tokens(text))
