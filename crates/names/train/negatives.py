"""Text without names: code, data, logs and technical prose in ten languages.

usage: negatives.py CORPUS GAZETTEER OUT.jsonl HELD.jsonl FOLDER...

A line that credits somebody is left out. In prose, what the gazetteer knows as a name or place and stands in capitals is asked
about (training gives it no weight): some of it is one.
"""

import glob
import json
import os
import random
import sys

import regex

from features import CITY, COMMON, COUNTRY, FIRST, LAST, REGION
from tokens import tokens

CREDIT = regex.compile(r"(?i)copyright|author|written by|maintain|thanks|©|\(c\)|contribut|credit|translat|reported|@[a-z]|perez|smith|alice|\bbob\b|john|jane|\bmary|doe\b|york|london|paris|berlin|license|california|university|created by|invent|patent|named after|algorithm of|et al")
KINDS = {"rs": 60, "py": 60, "js": 30, "json": 60, "toml": 25, "yaml": 25, "yml": 25, "md": 70, "c": 25, "h": 25, "go": 25, "ts": 20, "sh": 20, "html": 15, "css": 10, "log": 30, "sql": 10, "txt": 30, "xml": 20, "java": 20, "conf": 20, "csv": 10}


def main():
    corpus, gazetteer, out, held = sys.argv[1:5]
    r = random.Random(3)
    words = json.load(open(gazetteer))["words"]
    made = []
    files = {}
    for folder in sys.argv[5:]:
        for at, _, names in os.walk(folder):
            for name in names:
                kind = name.rsplit(".", 1)[-1]
                if kind in KINDS:
                    files.setdefault(kind, []).append(os.path.join(at, name))
    for kind, room in KINDS.items():
        some = sorted(files.get(kind, []))
        r.shuffle(some)
        for path in some[: room * 6]:
            try:
                body = open(path, encoding="utf-8").read(400_000)
            except (UnicodeDecodeError, OSError):
                continue
            lines = [l[:300] for l in body.split("\n")]
            if len(lines) < 3:
                continue
            start = r.randrange(max(1, len(lines) - 30))
            part = [l for l in lines[start : start + r.randrange(6, 30)] if not CREDIT.search(l)]
            text = "\n".join(part)[:1400]
            if len(text) > 60:
                made.append({"text": text, "spans": [], "ask": [], "group": path.split("/")[-2]})
    def asked(text):
        ask = []
        for i, t in enumerate(tokens(text)):
            if t.kind == "word" and t.text[:1].isupper():
                bits = words.get(t.text.lower(), 0)
                if bits & (FIRST | LAST | CITY | COUNTRY | REGION) and not bits & COMMON:
                    ask.append([t.start, t.end])
        return ask
    for code in ("en", "de", "fr", "es", "it", "pl", "nl", "pt", "ru", "sv", "zh"):
        for source, room in (("man", 700), ("office", 700), ("help", 500), ("debian", 250)):
            path = f"{corpus}/{code}.{source}.txt"
            if not os.path.exists(path):
                continue
            for line in list(open(path))[:room]:
                if not CREDIT.search(line):
                    made.append({"text": line.strip()[:700], "spans": [], "ask": asked(line[:700]), "group": line[:9]})
    r.shuffle(made)
    cut = len(made) // 12
    with open(held, "w") as f:
        for d in made[:cut]:
            f.write(json.dumps(d, ensure_ascii=False) + "\n")
    with open(out, "w") as f:
        for d in made[cut:]:
            f.write(json.dumps(d, ensure_ascii=False) + "\n")
    print(len(made), sum(len(d["text"]) for d in made))


main()
