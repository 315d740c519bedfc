"""What drives hold, compared byte for byte with what was stored, by other code than the server's.

It knows the formats from their descriptions alone (src/shard_store, src/metadata/schema.rs): it reads every record of
every segment and shard file, works the parity out anew, and compares. Nothing of a server runs meanwhile.
"""

import contextlib
import json
import sqlite3
import struct

BLOCK, PAGE = 32 << 10, 4096
FIXED = struct.Struct("<4sBBBB16sIII")
TOMBSTONE = struct.Struct("<16sB")


def product(a, b):
    """In GF(2^8) with the polynomial 0x11d."""
    result = 0
    while b:
        result ^= a if b & 1 else 0
        a = (a << 1) ^ (0x11D if a & 0x80 else 0)
        b >>= 1
    return result


INVERSE = {a: b for a in range(1, 256) for b in range(1, 256) if product(a, b) == 1}


def parity_weights(data_shards, row):
    """Row of a Cauchy matrix, scaled so that the first is all ones."""
    cauchy = lambda row, column: INVERSE[(data_shards + row) ^ column]  # noqa: E731
    return [product(cauchy(row, column), INVERSE[cauchy(0, column)]) for column in range(data_shards)]


def shards_of(stripe, data_shards, parity_shards):
    """The k + m shards of the bytes of one stripe."""
    length = -(-len(stripe) // data_shards)
    data = [stripe[i * length : (i + 1) * length].ljust(length, b"\0") for i in range(data_shards)]
    parity = []
    for row in range(parity_shards):
        total = 0
        for weight, shard in zip(parity_weights(data_shards, row), data):
            table = bytes(product(weight, value) for value in range(256))
            total ^= int.from_bytes(shard.translate(table), "little")
        parity.append(total.to_bytes(length, "little"))
    return data + parity


def head_length(length):
    return 36 + 4 * -(-length // BLOCK)


def up(length, step):
    return -(-length // step) * step


def records(content):
    """Kind, blob, shard and data of each record of a segment."""
    at = 0
    while at + FIXED.size <= len(content):
        magic, version, kind, shard, _, blob, _, length, _ = FIXED.unpack_from(content, at)
        if magic != b"HFsh" or version != 1:
            return
        data_at = at + head_length(length)
        yield kind, blob[::-1], shard, content[data_at : data_at + length]
        at += up(head_length(length) + length, 8)


def small_shards(drive):
    """Shards in segments by blob and number; later records count, and tombstones."""
    held = {}
    for path in sorted(drive.glob("segments/*.seg")):
        for kind, blob, shard, data in records(path.read_bytes()):
            if kind == 1:
                held[blob, shard] = data
            else:
                for removed, number in TOMBSTONE.iter_unpack(data):
                    held.pop((removed[::-1], number), None)
    return held


def large_shard(drive, blob, shard, lengths):
    """The stripes of a shard that has a file of its own."""
    (path,) = drive.glob(f"blobs/{blob[-1]:02x}/{blob.hex()}-{shard}.blob")
    content, at, stripes = path.read_bytes(), 0, []
    stride = up(head_length(lengths[0]), PAGE) + up(lengths[0], PAGE)
    for stripe, length in enumerate(lengths):
        at = stripe * stride + up(head_length(length), PAGE)
        stripes.append(content[at : at + length])
    return stripes


def newest(databases):
    """The one that is in use, of those that it was moved between."""

    def applied_index(database):
        with contextlib.closing(sqlite3.connect(database)) as rows:
            return rows.execute("SELECT value FROM state WHERE name = 'applied_index'").fetchone()

    return max(databases, key=applied_index)


def audit(roots, database, objects):
    """Compares every shard of every blob on the drives at `roots`; `objects` are contents by key, of one blob each. Returns
    the number of shards compared; raises AssertionError at the first that is missing or wrong."""
    roots = {json.loads((root / "drive.json").read_text())["slot"]: root for root in roots}
    with sqlite3.connect(database) as rows:
        keys = dict(rows.execute("SELECT content, key FROM owners"))
        blobs = rows.execute("SELECT blob, size, stripe_len, data_shards, slots FROM blobs").fetchall()
        assert rows.execute("SELECT count(*) FROM heal").fetchone() == (0,), "shards wait to be healed"
    assert sorted(keys.values()) == sorted(objects), "the metadata has other objects"
    small = {slot: small_shards(root) for slot, root in roots.items()}
    compared = 0
    for blob, size, stripe_len, data_shards, packed in blobs:
        slots = [slot for (slot,) in struct.iter_unpack("<H", packed)]
        assert len(set(slots)) == len(slots), f"two shards of {blob.hex()} share a drive"
        content = objects[keys[blob]]
        assert len(content) == size, keys[blob]
        stripes = [content[at : at + stripe_len] for at in range(0, size, stripe_len)]
        expected = [shards_of(stripe, data_shards, len(slots) - data_shards) for stripe in stripes]
        for shard, slot in enumerate(slots):
            wanted = [stripe[shard] for stripe in expected]
            if len(stripes) == 1:
                held = [small[slot].get((blob, shard))]
            else:
                held = large_shard(roots[slot], blob, shard, [len(piece) for piece in wanted])
            assert held == wanted, f"shard {shard} of {keys[blob]!r} on {roots[slot]} is missing or wrong"
            compared += 1
    return compared
