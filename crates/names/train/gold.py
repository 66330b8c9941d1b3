"""The training side of the annotated sets, with its names exchanged. usage: gold.py SETS OUT.jsonl TIMES SEED"""

import json
import random
import sys

import data
from fill import Fill

LANG = {"uner_de_pud": "de", "uner_pt_pud": "pt", "uner_sv_pud": "sv", "uner_zh_pud": "zh", "uner_ru_pud": "ru"}


def main():
    sets, out, times, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    f, r = Fill(seed), random.Random(seed)
    with open(out, "w") as file:
        for name, d, held in data.gold(sets):
            if held:
                continue
            lang = LANG.get(name, "en")
            invented = name.startswith("presidio")

            def swap(label, old):
                if not invented and (label != "PERSON" or r.random() < 0.4):
                    return None
                if label == "PERSON":
                    who = f.names(lang)
                    if lang == "zh":
                        return f.person(lang, *who)
                    parts = old.split()
                    if len(parts) == 1:
                        return r.choice(who)
                    return f.person(lang, *who)
                if label == "LOCATION":
                    if any(c.isdigit() for c in old):
                        return f.zip("en")
                    return f.city(lang) if r.random() < 0.5 else f.country(lang) if r.random() < 0.8 else f.state()
                if label == "ADDRESS":
                    return f.address(lang) if "\n" in old or len(old) > 40 else f.street(lang)
                return f.company(lang) if label == "ORG" else None

            for n in range(times + 1):
                e = {"text": d["text"], "spans": d["spans"], "ask": []}
                if n and d["spans"]:
                    e = data.replace(d, swap)
                elif n and r.random() < 0.5:
                    continue
                x = r.random()
                if x < 0.04 + 0.03 * (n > 0):
                    e = data.recase(e, "lower")
                elif x < 0.09:
                    e = data.recase(e, "upper")
                elif x < 0.11:
                    e = data.recase(e, "names")
                elif x < 0.13:
                    e = data.recase(e, "upnames")
                file.write(json.dumps(e, ensure_ascii=False) + "\n")


main()
