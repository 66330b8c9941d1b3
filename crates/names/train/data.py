"""Documents to learn from: {"text", "spans": [{start, end, label}], "ask": [[start, end]], "weight"}.

The annotated sets are read from the folder SETS (`corpus/masking` of the shared material). A fixed quarter of each is
held out: by template in the presidio sets, by document in EWT, by sentence elsewhere.
"""

import glob
import hashlib
import json
import random
import re

GOLD = ("presidio_synth_v2", "presidio_gen_large", "uner_en_ewt", "uner_de_pud", "uner_pt_pud", "uner_sv_pud", "uner_zh_pud",
        "uner_ru_pud", "wnut17_test")
LABELS = {"PERSON": "PERSON", "LOCATION": "LOCATION", "ZIP": "LOCATION", "ADDRESS": "ADDRESS", "ORG": "ORG"}


def template(d):
    text, out, at = d["text"], "", 0
    for s in sorted(d["spans"], key=lambda s: s["start"]):
        if s["start"] < at:
            continue
        out += text[at : s["start"]] + "<" + s["label"] + ">"
        at = s["end"]
    return re.sub(r"\d+|\s+", " ", out + text[at:])


def held(name, d):
    if name.startswith("presidio"):
        key = template(d)
    elif name == "uner_en_ewt":
        key = d["id"].rsplit("-", 1)[0]
    else:
        key = d["id"].split("/")[1]
    return hashlib.sha256(key.encode()).digest()[0] % 4 == 0


def gold(sets):
    """(name, document, held out?) of every annotated set."""
    for name in GOLD:
        for line in open(f"{sets}/{name}.jsonl"):
            d = json.loads(line)
            spans = [dict(s, label=LABELS[s["label"]]) for s in d["spans"] if s["label"] in LABELS]
            yield name, {"id": d["id"], "text": d["text"], "spans": spans, "all": d["spans"]}, held(name, d)


def silver(path):
    for line in open(path):
        yield json.loads(line)


def replace(d, swap):
    """The document with some of its spans rewritten: `swap` gives the new text of one, or None."""
    text, out, at, spans = d["text"], "", 0, []
    for s in sorted(d["spans"], key=lambda s: s["start"]):
        if s["start"] < at:
            continue
        new = swap(s["label"], text[s["start"] : s["end"]]) or text[s["start"] : s["end"]]
        out += text[at : s["start"]]
        spans.append({"start": len(out), "end": len(out) + len(new), "label": s["label"]})
        out += new
        at = s["end"]
    return {"text": out + text[at:], "spans": spans, "ask": []}


def recase(d, how):
    """The document in capitals or without; only where that keeps offsets."""
    text = d["text"]
    if how == "names":
        chars = list(text)
        for s in d["spans"]:
            for i in range(s["start"], s["end"]):
                if len(chars[i].lower()) == 1:
                    chars[i] = chars[i].lower()
        return dict(d, text="".join(chars))
    if how == "upnames":
        chars = list(text)
        for s in d["spans"]:
            if s["label"] == "PERSON":
                for i in range(s["start"], s["end"]):
                    if len(chars[i].upper()) == 1:
                        chars[i] = chars[i].upper()
        return dict(d, text="".join(chars))
    new = text.lower() if how == "lower" else text.upper()
    return dict(d, text=new) if len(new) == len(text) else d
