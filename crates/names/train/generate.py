"""Fills the templates. usage: generate.py OUT.jsonl SEED [LANGUAGE:TIMES ...]

Slots: P person, F first name, L last name, I initial, C city, K country, S state, Z postcode alone, A whole address, T street line, O organisation; a digit tells
them apart (F2 is of the person P2); a trailing l is lower-case, U is upper-case. Every other slot is no name.
"""

import json
import os
import random
import re
import sys

import data
from fill import Fill

HERE = os.path.dirname(os.path.abspath(__file__))
SLOT = re.compile(r"\{([A-Za-z]+[0-9]?)\}")
LABEL = {"P": "PERSON", "F": "PERSON", "L": "PERSON", "C": "LOCATION", "K": "LOCATION", "S": "LOCATION", "Z": "LOCATION", "A": "ADDRESS", "T": "ADDRESS", "O": "ORG"}


def fill(f, lang, line):
    people, out, spans, at = {}, "", [], 0
    for hit in SLOT.finditer(line):
        out += line[at : hit.start()]
        at = hit.end()
        slot = hit.group(1)
        kind = re.fullmatch(r"([PFLCKSZATOI])([lU]?)([0-9]?)|([pfcak])l([0-9]?)", slot)
        if not kind:
            out += f.plain(slot)
            continue
        letter, case, n = (kind.group(1), kind.group(2), kind.group(3)) if kind.group(1) else (kind.group(4).upper(), "l", kind.group(5))
        if letter in "PFL":
            who = people.setdefault(n, f.names(lang))
            value = {"P": lambda: f.person(lang, *who), "F": lambda: who[0], "L": lambda: who[1]}[letter]()
        elif letter == "I":
            value = f.initial()
        else:
            value = {"C": lambda: f.city(lang), "K": lambda: f.country(lang), "S": f.state, "Z": lambda: f.zip(lang), "A": lambda: f.address(lang),
                     "T": lambda: f.street(lang), "O": lambda: f.company(lang)}[letter]()
        value = value.strip().lower() if case == "l" else value.strip().upper() if case == "U" else value.strip()
        if letter in LABEL and value:
            spans.append({"start": len(out), "end": len(out) + len(value), "label": LABEL[letter]})
        out += value
    out += line[at:]
    # "Smith, John" is one person.
    joined = []
    for s in spans:
        if joined and s["label"] == joined[-1]["label"] == "PERSON" and re.fullmatch(r",? ", out[joined[-1]["end"] : s["start"]]) and re.match(r"\{L[U]?\}, \{F\}|\{[FL][U]?[0-9]?\} \{[FLP]", line):
            joined[-1]["end"] = s["end"]
        elif joined and s["label"] == joined[-1]["label"] == "PERSON" and out[joined[-1]["end"] : s["start"]] == " ":
            joined[-1]["end"] = s["end"]
        else:
            joined.append(s)
    return {"text": out, "spans": joined, "ask": []}


def glue(docs, separator):
    text, spans = "", []
    for d in docs:
        if text:
            text += separator
        spans += [{"start": s["start"] + len(text), "end": s["end"] + len(text), "label": s["label"]} for s in d["spans"]]
        text += d["text"]
    return {"text": text, "spans": spans, "ask": []}


def read(name):
    return [l.rstrip("\n").replace("\\n", "\n") for l in open(f"{HERE}/templates/{name}.txt") if l.strip()]


def main():
    out, seed = sys.argv[1], int(sys.argv[2])
    f, r = Fill(seed), random.Random(seed)
    negatives = read("neg")
    made = 0
    with open(out, "w") as file:
        for item in sys.argv[3:]:
            lang, times = item.split(":")
            lines = read(lang)
            # Data look the same in every language.
            tongue = lambda: r.choice(("en", "en", "de", "fr", "es", "it", "pt", "nl", "sv", "pl")) if lang == "data" else "en" if lang == "neg" else lang
            for n in range(int(times)):
                for line in lines:
                    try:
                        d = fill(f, tongue(), line)
                    except (AttributeError, KeyError):
                        continue
                    if r.random() < 0.25:
                        more = [d] + [fill(f, tongue(), r.choice(lines)) for _ in range(r.randrange(1, 4))]
                        if r.random() < 0.4:
                            more.append(fill(f, "en", r.choice(negatives)))
                        r.shuffle(more)
                        d = glue(more, r.choice(["\n", "\n\n", " ", "\n- "]))
                    x = r.random()
                    if x < 0.05:
                        d = data.recase(d, "lower")
                    elif x < 0.08:
                        d = data.recase(d, "upper")
                    elif x < 0.10:
                        d = data.recase(d, "names")
                    elif x < 0.12:
                        d = data.recase(d, "upnames")
                    file.write(json.dumps(d, ensure_ascii=False) + "\n")
                    made += 1
    print(made, "documents")


if __name__ == "__main__":
    main()
