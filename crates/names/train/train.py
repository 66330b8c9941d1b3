"""Trains the tagger. usage: see README.md"""

import argparse
import json
import os
import pickle
import random
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import data
import model
from features import Features, chunked
from model import TAGS

SIZES = (16, 24, 32, 48, 64, 96, 128, 192, 256)
TOKENS = 4096  # in a batch


def tag(found, spans, ask):
    """Tags of tokens; weight 0 where nobody knows."""
    tags, weights = ["O"] * len(found), [1.0] * len(found)
    for s in spans:
        inside = [i for i, t in enumerate(found) if t.start < s["end"] and s["start"] < t.end]
        while inside and found[inside[-1]].kind == "line":
            inside.pop()
        while inside and found[inside[0]].kind == "line":
            inside.pop(0)
        if not inside:
            continue
        k = s["label"]
        if len(inside) == 1:
            tags[inside[0]] = "S-" + k
        else:
            for i in inside:
                tags[i] = "I-" + k
            tags[inside[0]], tags[inside[-1]] = "B-" + k, "E-" + k
    for start, end in ask:
        for i, t in enumerate(found):
            if t.start < end and start < t.end:
                weights[i] = 0.0
    return [TAGS.index(t) for t in tags], weights


def prepare(docs, features):
    """Chunks as (rows, vector, grams, bits, tags, weights)."""
    out = []
    for d in docs:
        for found in chunked(d["text"]):
            tags, weights = tag(found, d["spans"], d.get("ask", ()))
            w = np.array(weights, np.float32) * d.get("weight", 1.0)
            out.append((*features.read(found), np.array(tags, np.int32), w))
    return out


def batches(chunks, rng):
    groups = {size: [] for size in SIZES}
    for c in chunks:
        n = len(c[4])
        groups[next(s for s in SIZES if n <= s)].append(c)
    made = []
    for size, group in groups.items():
        rng.shuffle(group)
        per = TOKENS // size
        for i in range(0, len(group), per):
            made.append((size, group[i : i + per]))
    rng.shuffle(made)
    for size, group in made:
        per = TOKENS // size
        rows = np.zeros((per, size, 16), np.int32)
        vector = np.zeros((per, size), np.int32)
        grams = np.zeros((per, size, 7), np.int32)
        bits = np.zeros((per, size), np.uint32)
        tags = np.zeros((per, size), np.int32)
        weights = np.zeros((per, size), np.float32)
        mask = np.zeros((per, size), np.float32)
        for i, c in enumerate(group):
            n = len(c[4])
            rows[i, :n], vector[i, :n], grams[i, :n], bits[i, :n], tags[i, :n], weights[i, :n] = c
            mask[i, :n] = 1
        yield rows, vector, grams, bits, tags, weights, mask


def predict(p, features, texts, forward):
    """Spans [{start, end, label, score}] of each text."""
    chunks, owner = [], []
    for n, text in enumerate(texts):
        for found in chunked(text):
            chunks.append(found)
            owner.append(n)
    out = [[] for _ in texts]
    order = sorted(range(len(chunks)), key=lambda i: len(chunks[i]))
    at = 0
    while at < len(order):
        size = next(s for s in SIZES if len(chunks[order[at]]) <= s)
        group = []
        while at < len(order) and len(group) < TOKENS // size and len(chunks[order[at]]) <= size:
            group.append(order[at])
            at += 1
        made = [(*features.read(chunks[i]), np.zeros(len(chunks[i]), np.int32), np.ones(len(chunks[i]), np.float32)) for i in group]
        (rows, vector, grams, bits, _, _, mask), = list(fixed(made, size))
        scores = np.array(forward(p, rows, vector, grams, bits, mask))
        for row, i in enumerate(group):
            found = chunks[i]
            path, logs = model.best(scores[row, : len(found)])
            start = None
            for j, t in enumerate(path):
                name = TAGS[t]
                if name[0] in "BS":
                    start = j
                if name[0] in "ES":
                    score = float(np.exp(np.mean([logs[k, path[k]] for k in range(start, j + 1)])))
                    out[owner[i]].append({"start": found[start].start, "end": found[j].end, "label": name[2:], "score": score})
    return out


def fixed(group, size):
    per = TOKENS // size
    rng = random.Random(0)
    rows = np.zeros((per, size, 16), np.int32)
    vector = np.zeros((per, size), np.int32)
    grams = np.zeros((per, size, 7), np.int32)
    bits = np.zeros((per, size), np.uint32)
    mask = np.zeros((per, size), np.float32)
    for i, c in enumerate(group):
        n = len(c[4])
        rows[i, :n], vector[i, :n], grams[i, :n], bits[i, :n] = c[:4]
        mask[i, :n] = 1
    yield rows, vector, grams, bits, None, None, mask


def measure(gold, found):
    """F1 by label at IoU >= 0.5, and what stands outside every annotation, of {name: [(doc, spans)]}."""
    table = {}
    for name, pairs in gold.items():
        hits, golds, preds = {}, {}, {}
        outside = over = letters = leaked = 0
        for doc, spans in zip(pairs, found[name]):
            group = lambda l: "LOC" if l in ("LOCATION", "ADDRESS") else l
            used = set()
            for g in doc["spans"]:
                k = group(g["label"])
                golds[k] = golds.get(k, 0) + 1
                for i, s in enumerate(spans):
                    inter = min(g["end"], s["end"]) - max(g["start"], s["start"])
                    if i not in used and group(s["label"]) == k and inter > 0 and inter / (max(g["end"], s["end"]) - min(g["start"], s["start"])) >= 0.5:
                        used.add(i)
                        hits[k] = hits.get(k, 0) + 1
                        break
            for s in spans:
                preds[group(s["label"])] = preds.get(group(s["label"]), 0) + 1
            covered = set()
            for s in spans:
                if s["label"] != "ORG":
                    covered.update(range(s["start"], s["end"]))
            truth = set()
            for g in doc["all"]:
                truth.update(range(g["start"], g["end"]))
            outside += len(doc["text"]) - len(truth)
            over += len(covered - truth)
            for g in doc["spans"]:
                if g["label"] != "ORG":
                    for i in range(g["start"], g["end"]):
                        if doc["text"][i].isalnum():
                            letters += 1
                            leaked += i not in covered
        row = {}
        for k in golds:
            p, r = hits.get(k, 0) / max(preds.get(k, 0), 1), hits.get(k, 0) / golds[k]
            row[k] = (2 * p * r / (p + r) if p + r else 0, p, r)
        row["over"] = over / max(outside, 1)
        row["leak"] = leaked / max(letters, 1)
        table[name] = row
    return table


def show(table):
    for name, row in table.items():
        cells = [f"{k[:3]} {row[k][0]:.3f} (p {row[k][1]:.2f} r {row[k][2]:.2f})" for k in ("PERSON", "LOC", "ORG") if k in row]
        print(f"  {name:20} {'  '.join(cells)}  over {row['over']:.4f} leak {row['leak']:.3f}", flush=True)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--md", required=True)
    a.add_argument("--sets", required=True)
    a.add_argument("--gazetteer", required=True)
    a.add_argument("--pool", nargs="*", default=[], help="JSONL of documents, PATH or PATH:TIMES")
    a.add_argument("--negatives", help="JSONL of texts without names, to count what is masked there")
    a.add_argument("--start", help="weights to go on from")
    a.add_argument("--out", required=True)
    a.add_argument("--minutes", type=float, default=10)
    a.add_argument("--rate", type=float, default=1e-3)
    a.add_argument("--drop", type=float, default=0.15)
    a.add_argument("--decay", type=float, default=1e-3)
    a.add_argument("--seed", type=int, default=1)
    a = a.parse_args()
    begun = time.time()
    jax.config.update("jax_default_prng_impl", "unsafe_rbg")
    rng = random.Random(a.seed)

    p, keys, _ = model.load_md(a.md)
    features = Features(a.gazetteer, keys)
    if a.start:
        p = pickle.load(open(a.start, "rb"))
    else:
        p = model.fresh(p, a.seed)

    held = {}
    for name, d, out in data.gold(a.sets):
        if out:
            held.setdefault(name, []).append(d)
    pool = []
    for item in a.pool:
        path, _, times = item.partition(":")
        docs = [json.loads(l) for l in open(path)]
        made = prepare(docs, features)
        times = float(times or 1)
        pool.append((made, times))
        print(path, len(docs), "documents", sum(len(c[4]) for c in made), "tokens, times", times, flush=True)
    negatives = [json.loads(l)["text"] for l in open(a.negatives)] if a.negatives else []
    print(f"{time.time() - begun:.0f} s to read", flush=True)

    def epoch():
        out = []
        for made, times in pool:
            whole = int(times)
            out.extend(made * whole)
            out.extend(rng.sample(made, int(len(made) * (times - whole))))
        return out

    steps_guess = max(200, sum(int(sum(len(c[4]) for c in m) * t) for m, t in pool) // TOKENS)
    still = {"vectors": p.pop("vectors")}
    p = jax.tree.map(jnp.asarray, p)
    still = jax.tree.map(jnp.asarray, still)
    clock = {"part": 0.0}
    chain = optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam(b2=0.99))
    state = chain.init(p)
    average = p

    @jax.jit
    def step(p, state, average, batch, key, rate, keep):
        rows, vector, grams, bits, tags, weights, mask = batch

        def loss(p):
            scores = model.forward({**p, **still}, rows, vector, grams, bits, mask, key, a.drop)
            logs = jax.nn.log_softmax(scores)
            hit = jnp.take_along_axis(logs, tags[..., None], -1)[..., 0]
            return -(hit * weights).sum() / jnp.maximum(weights.sum(), 1)

        value, grads = jax.value_and_grad(loss)(p)
        updates, state = chain.update(grads, state, p)
        p = jax.tree.map(lambda w, u: w - rate * (u + a.decay * w), p, updates)
        average = jax.tree.map(lambda m, w: keep * m + (1 - keep) * w, average, p)
        return p, state, average, value

    run = jax.jit(lambda p, *x: model.forward({**p, **still}, *x))
    key = jax.random.PRNGKey(a.seed)
    train_from = time.time()
    room = a.minutes * 60
    n, losses, round_ = 0, [], 0
    done = False
    while not done:
        for batch in batches(epoch(), rng):
            part = (time.time() - train_from) / room
            if part >= 1:
                done = True
                break
            rate = a.rate * min(1, (n + 1) / 200) * (1 - part)
            p, state, average, value = step(p, state, average, batch, jax.random.fold_in(key, n), rate, min(0.998, (1 + n) / (10 + n)))
            n += 1
            losses.append(float(value))
            if n % 250 == 0:
                print(f"{time.time() - begun:6.0f} s  step {n}  epoch {round_}  loss {np.mean(losses[-250:]):.4f}  rate {rate:.5f}", flush=True)
        round_ += 1
    p = average
    found = {name: predict(p, features, [d["text"] for d in docs], run) for name, docs in held.items()}
    print(f"held out, after {n} steps and {round_} epochs")
    show(measure(held, found))
    if negatives:
        spans = predict(p, features, negatives, run)
        masked = sum(s["end"] - s["start"] for found in spans for s in found if s["label"] != "ORG")
        print(f"  negatives: {masked / sum(map(len, negatives)):.5f} of characters masked")
    with open(a.out, "wb") as f:
        pickle.dump({**jax.tree.map(np.asarray, p), **jax.tree.map(np.asarray, still)}, f)


if __name__ == "__main__":
    main()
