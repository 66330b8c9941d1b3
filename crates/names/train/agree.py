"""Keeps of the labelled prose what the tagger of the round before says too, and puts some of it in other letters.

usage: agree.py SILVER.jsonl CORPUS SPANS OUT.jsonl

SPANS is the example `spans`, built with the weights of the round before. English keeps its labels. Elsewhere a name is one that Rampart
and the tagger both see; what one of them sees is asked about. Russian and Chinese have the tagger alone: what it is sure of.
"""

import json
import random
import subprocess
import sys

import data
from silver import read

ALONE = {"ru.fortune": 500_000, "zh.fortune": 120_000, "ru.debian": 150_000, "zh.debian": 80_000, "pl.fortune": 150_000}
SURE, UNSURE = 0.93, 0.35


def other_letters(d, r):
    x = r.random()
    for share, how in ((0.05, "lower"), (0.03, "upper"), (0.05, "upnames"), (0.02, "names")):
        if x < share:
            return data.recase(d, how)
        x -= share
    return d


def tagged(spans, texts):
    lines = "\n".join(json.dumps({"id": i, "text": t}) for i, t in enumerate(texts))
    out = subprocess.run([spans], input=lines.encode(), capture_output=True, check=True).stdout.decode()
    return [json.loads(line)["spans"] for line in out.splitlines()]


def plain(span):
    return {k: span[k] for k in ("start", "end", "label")}


def main():
    silver, corpus, binary, out = sys.argv[1:5]
    r = random.Random(7)
    docs = [json.loads(line) for line in open(silver)]
    with open(out, "w") as f:
        write = lambda d: f.write(json.dumps(other_letters(d, r), ensure_ascii=False) + "\n")
        for d in docs:
            if d["id"].startswith("en."):
                write(d)
        docs = [d for d in docs if not d["id"].startswith("en.")]
        for d, ours in zip(docs, tagged(binary, [d["text"] for d in docs])):
            text, spans, ask = d["text"], [], []
            for s in d["spans"]:
                if not text[s["start"]].isupper():
                    continue
                same = [o for o in ours if o["label"] == s["label"] and o["start"] < s["end"] and s["start"] < o["end"]]
                if not same:
                    ask.append([s["start"], s["end"]])
                elif plain(same[0]) not in spans:
                    spans.append(plain(same[0]))
            for o in ours:
                if not text[o["start"]].isupper() or any(o["start"] < s["end"] and s["start"] < o["end"] for s in spans):
                    continue
                if o["label"] == "ORG" and o["score"] > 0.9:
                    spans.append(plain(o))
                elif o["score"] > UNSURE:
                    ask.append([o["start"], o["end"]])
            write({"text": text, "spans": spans, "ask": ask})
        for name, room in ALONE.items():
            lines = read(f"{corpus}/{name}.txt", 0, room)
            for text, ours in zip(lines, tagged(binary, lines)):
                ours = [o for o in ours if name.startswith("zh") or text[o["start"]].isupper()]
                write({"text": text, "spans": [plain(o) for o in ours if o["score"] > SURE],
                       "ask": [[o["start"], o["end"]] for o in ours if o["score"] <= SURE]})


main()
