"""The network: spaCy's tok2vec with three more sources of features and one wide layer. `src/network.rs` is the same."""

import jax
import jax.numpy as jnp
import numpy as np

from features import GRAM_KINDS, GRAMS, TABLES

WIDTH = 96
PIECES = 3
DEPTH = 4
GRAM_WIDTH = 64
NEAR = 24  # tokens on each side that the wide layer averages
STEP = 3  # tokens between those that the wide layer looks at
KINDS = ("PERSON", "LOCATION", "ADDRESS", "ORG")
TAGS = ["O"] + [f"{p}-{k}" for k in KINDS for p in "BIES"]


def load_md(path):
    """Weights of the ner pipe of a spaCy pipeline, the words' vectors projected to the width, and their keys."""
    import spacy

    nlp = spacy.load(path, disable=["tagger", "parser", "lemmatizer", "attribute_ruler", "tok2vec"])
    nodes = list(nlp.get_pipe("ner").model.walk())
    tables = [n.get_param("E") for n in nodes if n.name == "hashembed"]
    static = next(n for n in nodes if n.name == "static_vectors")
    maxouts = [n for n in nodes if n.name == "maxout"]
    norms = [n for n in nodes if n.name == "layernorm"]
    assert [t.shape[0] for t in tables] == [t[1] for t in TABLES]
    p = {}
    for (name, _, _), table in zip(TABLES, tables):
        p["t_" + name] = table
    vectors = nlp.vocab.vectors.data @ static.get_param("W").T
    p["vectors"] = np.concatenate([np.zeros((1, WIDTH), np.float32), vectors])
    for i, (m, n) in enumerate(zip(maxouts, norms)):
        w = m.get_param("W")
        name = "mix" if i == 0 else f"layer{i - 1}"
        p[name] = {"w": w.reshape(WIDTH * PIECES, -1).T.copy(), "b": m.get_param("b").reshape(-1).copy(),
                   "gain": n.get_param("G").copy(), "bias": n.get_param("b").copy()}
    keys = {int(k) & 0xFFFFFFFF: int(r) for k, r in nlp.vocab.vectors.key2row.items()}
    return p, keys, nlp


def fresh(p, seed=0):
    r = np.random.default_rng(seed)
    normal = lambda *s, scale: r.normal(0, scale, s).astype(np.float32)
    p["grams"] = normal(GRAMS, GRAM_WIDTH, scale=0.05)
    p["gram_w"] = normal(GRAM_WIDTH, WIDTH * PIECES, scale=0.05)
    p["bit_w"] = normal(32, WIDTH * PIECES, scale=0.05)
    p["wide"] = {"w": normal(WIDTH * 5, WIDTH * PIECES, scale=0.04), "b": np.zeros(WIDTH * PIECES, np.float32),
                 "gain": np.full(WIDTH, 0.3, np.float32), "bias": np.zeros(WIDTH, np.float32)}
    p["out_w"] = normal(WIDTH, len(TAGS), scale=0.05)
    p["out_b"] = np.zeros(len(TAGS), np.float32)
    return p


def norm(x, layer):
    mean = x.mean(-1, keepdims=True)
    var = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(var + 1e-8) * layer["gain"] + layer["bias"]


def maxout(pre):
    return pre.reshape(*pre.shape[:-1], WIDTH, PIECES).max(-1)


def shift(x, by):
    """x[i + by], nothing beyond the ends."""
    if by < 0:
        return jnp.pad(x, ((0, 0), (-by, 0), (0, 0)))[:, :by]
    return jnp.pad(x, ((0, 0), (0, by), (0, 0)))[:, by:]


def forward(p, rows, vector, grams, bits, mask, key=None, drop=0.0):
    """Scores (batch, tokens, tags)."""
    def dropped(x, k):
        if key is None or drop == 0:
            return x
        keep = jax.random.bernoulli(jax.random.fold_in(key, k), 1 - drop, x.shape)
        return jnp.where(keep, x / (1 - drop), 0)

    parts = [p["t_" + name][rows[..., 4 * i : 4 * i + 4]].sum(-2) for i, (name, _, _) in enumerate(TABLES)]
    static = p["vectors"][vector]
    gram = p["grams"][grams].sum(-2)
    if key is not None:
        # Whole sources go at times, so that none is leaned on alone.
        gone = lambda k, rate: jax.random.bernoulli(jax.random.fold_in(key, k), 1 - rate, rows.shape[:2] + (1,))
        parts[0] = parts[0] * gone(50, 0.1)
        static = static * gone(51, 0.1)
        gram = gram * gone(52, 0.1)
    spread = ((bits[..., None] >> jnp.arange(32, dtype=jnp.uint32)) & 1).astype(jnp.float32)
    if key is not None:
        spread = spread * jax.random.bernoulli(jax.random.fold_in(key, 53), 0.95, spread.shape)
    pre = jnp.concatenate(parts + [static], -1) @ p["mix"]["w"] + p["mix"]["b"] + gram @ p["gram_w"] + spread @ p["bit_w"]
    m = mask[..., None]
    x = dropped(norm(maxout(pre), p["mix"]), 0) * m
    for i in range(DEPTH):
        layer = p[f"layer{i}"]
        seen = jnp.concatenate([shift(x, -1), x, shift(x, 1)], -1)
        x = (x + dropped(norm(maxout(seen @ layer["w"] + layer["b"]), layer), i + 1)) * m
    layer = p["wide"]
    total = jnp.cumsum(x, 1)
    count = jnp.cumsum(m, 1)
    def mean(hi, lo):
        return (hi[0] - lo[0]) / jnp.maximum(hi[1] - lo[1], 1)
    both = (total, count)
    before = mean([shift(t, -1) for t in both], [shift(t, -1 - NEAR) for t in both])
    last = [jnp.broadcast_to(t[:, -1:], t.shape) for t in both]
    size = x.shape[1]
    if size > NEAR:
        ahead = [jnp.concatenate([t[:, NEAR:], jnp.broadcast_to(t[:, -1:], (t.shape[0], NEAR, t.shape[2]))], 1) for t in both]
    else:
        ahead = last
    after = mean(ahead, both)
    seen = jnp.concatenate([shift(x, -STEP), x, shift(x, STEP), before, after], -1)
    x = (x + dropped(norm(maxout(seen @ layer["w"] + layer["b"]), layer), 9)) * m
    return x @ p["out_w"] + p["out_b"]


def allowed():
    """Which tag may follow which, and begin and end a chunk."""
    n = len(TAGS)
    follow = np.zeros((n, n), bool)
    starts, ends = np.zeros(n, bool), np.zeros(n, bool)
    for i, a in enumerate(TAGS):
        starts[i] = a[0] in "OBS"
        ends[i] = a[0] in "OES"
        for j, b in enumerate(TAGS):
            if a[0] in "BI":
                follow[i, j] = b[0] in "IE" and b[2:] == a[2:]
            else:
                follow[i, j] = b[0] in "OBS"
    return follow, starts, ends


FOLLOW, STARTS, ENDS = allowed()


def best(scores):
    """The best allowed tags of a chunk: Viterbi over log-probabilities (tokens, tags)."""
    scores = scores - np.log(np.exp(scores - scores.max(-1, keepdims=True)).sum(-1, keepdims=True)) - scores.max(-1, keepdims=True)
    n = len(scores)
    bar = np.where(FOLLOW, 0.0, -1e9)
    now = scores[0] + np.where(STARTS, 0.0, -1e9)
    back = np.zeros((n, len(TAGS)), np.int32)
    for i in range(1, n):
        ways = now[:, None] + bar
        back[i] = ways.argmax(0)
        now = ways.max(0) + scores[i]
    now = now + np.where(ENDS, 0.0, -1e9)
    tag = int(now.argmax())
    path = [tag]
    for i in range(n - 1, 0, -1):
        tag = int(back[i, tag])
        path.append(tag)
    path.reverse()
    return path, scores
