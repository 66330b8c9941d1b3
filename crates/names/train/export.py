"""Writes the weights file and the fixture of the parity test.

usage: export.py --weights W.pkl --md MD --gazetteer GAZ.json --out names-1.bin [--fixture TEXTS.txt FIXTURE.jsonl]

The format, all little-endian: `NAMES` 0 0, the version (1 byte), then in this order
  tables   norm prefix suffix shape grams vectors: u32 rows, u32 width, f32 scale of each row, i8 values
  matrices mix gram_w bit_w layer0..3 wide out_w: u32 rows, u32 columns, f32 scale, i16 values
  lists    mix.b mix.gain mix.bias, the same of layer0..3 and wide, out_b: u32 length, f32 values
  maps     vectors words phrases: u32 length, u8 bytes of a value, the keys (u32, sorted) as LEB128 of the steps between them, then the values
"""

import argparse
import json
import pickle
import struct

import numpy as np
from spacy.strings import hash_string

import model
from features import TABLES, Features, chunked


def quantised(p):
    """The weights as the file gives them back."""
    q = {}
    for name in [f"t_{t[0]}" for t in TABLES] + ["grams", "vectors"]:
        w = p[name]
        scale = np.maximum(np.abs(w).max(1), 1e-12).astype(np.float32) / np.float32(127)
        q[name] = (scale, np.clip(np.round(w / scale[:, None]), -127, 127).astype(np.int8))
    for name in ["mix", "layer0", "layer1", "layer2", "layer3", "wide"]:
        q[name] = {**p[name], "w": short(p[name]["w"])}
    for name in ["gram_w", "bit_w", "out_w"]:
        q[name] = short(p[name])
    q["out_b"] = p["out_b"]
    return q


def short(w):
    scale = np.float32(np.abs(w).max() / 32767)
    return scale, np.round(w / scale).astype(np.int16)


def restored(q):
    p = {}
    for name, value in q.items():
        if isinstance(value, dict):
            p[name] = {**value, "w": value["w"][1].astype(np.float32) * value["w"][0]}
        elif isinstance(value, tuple):
            scale, w = value
            p[name] = w.astype(np.float32) * (scale[:, None] if np.ndim(scale) else scale)
        else:
            p[name] = value
    return p


def steps(keys):
    out, last = bytearray(), 0
    for key in keys:
        step = key - last
        last = key
        while step >= 0x80:
            out.append(step & 0x7F | 0x80)
            step >>= 7
        out.append(step)
    return bytes(out)


def put_map(f, entries, width):
    keys = sorted(entries)
    f.write(struct.pack("<IB", len(keys), width))
    f.write(steps(keys))
    for k in keys:
        f.write(int(entries[k]).to_bytes(width, "little"))


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--weights", required=True)
    a.add_argument("--md", required=True)
    a.add_argument("--gazetteer", required=True)
    a.add_argument("--out", required=True)
    a.add_argument("--fixture", nargs=2)
    a = a.parse_args()
    p = pickle.load(open(a.weights, "rb"))
    _, keys, _ = model.load_md(a.md)
    gazetteer = json.load(open(a.gazetteer))
    q = quantised(p)
    with open(a.out, "wb") as f:
        f.write(b"NAMES\0\0\x01")
        for name in [f"t_{t[0]}" for t in TABLES] + ["grams", "vectors"]:
            scale, w = q[name]
            f.write(struct.pack("<II", *w.shape) + scale.astype("<f4").tobytes() + w.tobytes())
        for name in ["mix", "gram_w", "bit_w", "layer0", "layer1", "layer2", "layer3", "wide", "out_w"]:
            scale, w = q[name]["w"] if isinstance(q[name], dict) else q[name]
            f.write(struct.pack("<IIf", *w.shape, scale) + w.astype("<i2").tobytes())
        for name in ["mix", "layer0", "layer1", "layer2", "layer3", "wide"]:
            for part in ("b", "gain", "bias"):
                f.write(struct.pack("<I", len(q[name][part])) + q[name][part].astype("<f4").tobytes())
        f.write(struct.pack("<I", len(q["out_b"])) + q["out_b"].astype("<f4").tobytes())
        put_map(f, keys, 2)
        put_map(f, {hash_string(w) & 0xFFFFFFFF: b for w, b in gazetteer["words"].items()}, 2)
        put_map(f, {hash_string(w) & 0xFFFFFFFF: b & 0xFF for w, b in gazetteer["phrases"].items()}, 1)
        print(f.tell(), "bytes")
    if a.fixture:
        features = Features(gazetteer, keys)
        p = restored(q)
        with open(a.fixture[1], "w") as f:
            for line in open(a.fixture[0]):
                text = line.rstrip("\n").replace("\\n", "\n")
                out = {"text": text, "tokens": [], "bits": [], "tags": []}
                for found in chunked(text):
                    rows, vector, grams, bits = features.read(found)
                    scores = model.forward(p, rows[None], vector[None], grams[None], bits[None], np.ones((1, len(found)), np.float32))
                    path, _ = model.best(np.array(scores[0]))
                    out["tokens"] += [t.text for t in found]
                    out["bits"] += [int(b) for b in bits]
                    out["tags"] += [model.TAGS[t] for t in path]
                f.write(json.dumps(out, ensure_ascii=False) + "\n")


main()
