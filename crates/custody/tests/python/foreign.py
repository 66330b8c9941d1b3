"""Foreign readers of what Custody wrote, asked by foreign.rs: `foreign.py pymerkle` or `foreign.py duckdb`,
the question as JSON on standard input. Exit code 77: the package is not there."""
import json, sys


def pymerkle(asked):
    """The same roots, our inclusion proofs, and our checkpoints in their consistency proofs."""
    from pymerkle import ConsistencyProof, InclusionProof, InmemoryTree, InvalidProof, verify_consistency, verify_inclusion
    tree = InmemoryTree.init_from_entries([bytes.fromhex(entry) for entry in asked["entries"]], algorithm="sha256")
    roots = {size: bytes.fromhex(root) for size, root in asked["roots"]}
    for size, root in roots.items():
        assert tree.get_root(size) == root, f"root at {size}"
    for index, size, path in asked["inclusion"]:
        theirs = tree.prove_inclusion(index + 1, size)
        leaf = tree.get_leaf(index + 1)
        ours = InclusionProof("sha256", True, size, index + 1, theirs.rule, [leaf, *(bytes.fromhex(h) for h in path)])
        verify_inclusion(leaf, roots[size], ours, index=index + 1, size=size)
        for broken in (lambda p: p.path.reverse(), lambda p: p.path.append(leaf)):
            bad = InclusionProof("sha256", True, size, index + 1, theirs.rule, list(ours.path))
            broken(bad)
            try:
                verify_inclusion(leaf, roots[size], bad)
                raise SystemExit(f"a broken proof of {index} was accepted")
            except InvalidProof:
                pass
    for old, new, path in asked["consistency"]:
        theirs = tree.prove_consistency(old, new)
        verify_consistency(roots[old], roots[new], theirs, prior_size=old, later_size=new)
        # The same hashes in another order; RFC 6962 leaves the old tree out where it is one whole subtree. Of an
        # even size pymerkle takes the old tree into more pieces than RFC 6962 does.
        whole = {roots[old].hex()}
        assert old % 2 == 0 or set(path) | whole == {h.hex() for h in theirs.path} | whole, f"proof from {old} to {new}"
    print(f"{len(roots)} roots, {len(asked['inclusion'])} inclusion proofs, {len(asked['consistency'])} consistency proofs")


def duckdb(asked):
    """The columns of the records files, the envelopes' bytes and the parts."""
    import duckdb
    import hashlib
    records = duckdb.read_parquet(asked["records"], hive_partitioning=True)
    rows = records.select("leaf_index, id, kind, model_requested, envelope").fetchall()
    entries = {index: bytes.fromhex(entry) for index, entry in enumerate(asked["entries"])}
    for index, name, kind, model, envelope in rows:
        assert hashlib.sha256(envelope).digest() == entries[index][25:], f"envelope {index}"
        record = json.loads(envelope)
        assert (record["id"], record["kind"]) == (name, kind), f"columns of {index}"
        assert record.get("model", {}).get("requested") == model, f"model of {index}"
    parts = duckdb.read_parquet(asked["parts"], hive_partitioning=True).select("pid, length, sealed").fetchall()
    assert parts and all(len(pid) == 32 and length == len(sealed) for pid, length, sealed in parts)
    print(f"{len(rows)} records, {len(parts)} parts")


if __name__ == "__main__":
    try:
        {"pymerkle": pymerkle, "duckdb": duckdb}[sys.argv[1]](json.load(sys.stdin))
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(77)
