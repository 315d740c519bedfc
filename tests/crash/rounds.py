#!/usr/bin/env python3
"""kill -9 under concurrent writes, again and again.

Each round writers put, overwrite, delete and upload in parts; in the middle of it every process is killed with
SIGKILL and started again. Then every acknowledged write must read back byte for byte, no object may be torn, and
LIST must equal what was acknowledged; a request that was in flight may have happened or not, but whole. Between
rounds one drive folder may be removed, and must change nothing of this.

    tests/crash/rounds.py --rounds 200 [--topology cluster] [--seed N]
"""

import argparse
import hashlib
import http.client
import pathlib
import random
import re
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))

import signed  # noqa: E402
import topology  # noqa: E402

BUCKET = "crash"
WRITERS = 8
KEYS_PER_WRITER = 25
SIZES = [0, 1, 100, 4096, 4097, 20_000, 70_000, 300_000, 2_000_000]
PART_BYTES = 5 * 1024 * 1024
# A drive is removed before about one round in so many.
REMOVE_ONE_IN = 4


class Content:
    """What an object holds, made again from its seed whenever it is needed."""

    def __init__(self, seed, size, part_bytes=None):
        self.seed, self.size, self.part_bytes = seed, size, part_bytes

    def bytes(self):
        return random.Random(self.seed).randbytes(self.size)

    def parts(self):
        whole = self.bytes()
        return [whole[at : at + self.part_bytes] for at in range(0, self.size, self.part_bytes)]

    def etag(self):
        if self.part_bytes is None:
            return hashlib.md5(self.bytes()).hexdigest()
        digests = [hashlib.md5(part).digest() for part in self.parts()]
        return f"{hashlib.md5(b''.join(digests)).hexdigest()}-{len(digests)}"


class Writer(threading.Thread):
    """Works on keys of its own, and knows of each what it may hold: one content, or two while one is uncertain."""

    def __init__(self, number, address, seed, states, killed):
        super().__init__()
        self.number, self.states, self.killed = number, states, killed
        self.random = random.Random(seed)
        self.connection = connect(address)
        self.acknowledged, self.failure = 0, None

    def run(self):
        try:
            while not self.killed.is_set():
                key = f"writer{self.number}/key{self.random.randrange(KEYS_PER_WRITER)}"
                self.step(key)
                self.acknowledged += 1
        except (OSError, http.client.HTTPException) as error:
            if not self.killed.is_set():
                self.failure = f"connection broke before the kill: {error!r}"
        except AssertionError as error:
            self.failure = str(error)
        finally:
            self.connection.close()

    def step(self, key):
        choice = self.random.random()
        before = self.states.get(key, [None])
        if choice < 0.15:
            self.states[key] = [*before, None]
            self.expect(204, "DELETE", key)
            self.states[key] = [None]
            return
        multipart = choice > 0.97
        size = PART_BYTES + self.random.randrange(1_000_000) if multipart else self.random.choice(SIZES)
        content = Content(self.random.getrandbits(64), size, PART_BYTES if multipart else None)
        self.states[key] = [*before, content]
        if multipart:
            self.upload_in_parts(key, content)
        else:
            self.expect(200, "PUT", key, body=content.bytes())
        self.states[key] = [content]

    def upload_in_parts(self, key, content):
        started = self.expect(200, "POST", key, {"uploads": ""}).decode()
        upload = re.search("<UploadId>(.*)</UploadId>", started)[1]
        lines = []
        for number, part in enumerate(content.parts(), 1):
            self.expect(200, "PUT", key, {"partNumber": str(number), "uploadId": upload}, part)
            etag = hashlib.md5(part).hexdigest()
            lines.append(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
        document = f"<CompleteMultipartUpload>{''.join(lines)}</CompleteMultipartUpload>"
        self.expect(200, "POST", key, {"uploadId": upload}, document.encode())

    def expect(self, status, method, key, query=None, body=b""):
        answered, _, text = self.connection.request(method, f"/{BUCKET}/{key}", query, body)
        assert answered == status, f"{method} {key} {query}: {answered} {text[:500]!r}"
        return text


def connect(address):
    return signed.Connection(address, topology.ACCESS_KEY, topology.SECRET_KEY, topology.REGION)


def verify(address, states):
    """Compares every key with what it may hold, and settles what was uncertain."""
    connection = connect(address)
    listed = connection.list(BUCKET)
    for key, allowed in sorted(states.items()):
        status, headers, body = connection.request("GET", f"/{BUCKET}/{key}")
        assert status in (200, 404), f"GET {key}: {status} {body[:500]!r}"
        found = None if status == 404 else body
        matching = [content for content in allowed if (content.bytes() if content else None) == found]
        assert matching, f"{key} holds what was never its content: status {status}, {len(body)} bytes"
        settled = matching[-1]
        if settled is None:
            assert key not in listed, f"{key} is gone but listed"
        else:
            etags = {content.etag() for content in matching}
            assert headers["etag"].strip('"') in etags, f"{key} has the ETag {headers['etag']}, not of {etags}"
            assert listed.get(key) == (len(body), headers["etag"].strip('"')), f"{key} is listed as {listed.get(key)}"
        states[key] = [settled]
    strangers = set(listed) - {key for key, allowed in states.items() if allowed != [None]}
    assert not strangers, f"listed but never acknowledged: {sorted(strangers)[:5]}"
    connection.close()
    return len(listed)


def kill_all(running):
    running.front.kill()
    for node in running.nodes:
        node.kill()


def remove_a_drive(running, dice):
    drives = sorted(running.folder.glob("drive*")) or sorted(running.folder.glob("node*/drive1"))
    gone = dice.choice(drives)
    shutil.rmtree(gone)
    return gone.relative_to(running.folder)


def is_filled(running):
    return running.metric("holdfast_heals_pending") == 0 and running.metric("holdfast_metadata_spare") == 2


def one_round(running, dice, states):
    killed = threading.Event()
    writers = [Writer(n, running.address, dice.getrandbits(64), states, killed) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    # Not a wait for something: the moment of the kill is what is being varied.
    time.sleep(dice.uniform(0.02, 1.0))
    killed.set()
    kill_all(running)
    for writer in writers:
        writer.join()
    failures = [writer.failure for writer in writers if writer.failure]
    assert not failures, failures
    return sum(writer.acknowledged for writer in writers)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--topology", choices=["serve", "cluster"], default="serve")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    arguments = parser.parse_args()
    print(f"crash test on {arguments.topology}: {arguments.rounds} rounds, seed {arguments.seed}", flush=True)
    dice, states, total = random.Random(arguments.seed), {}, 0
    folder = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-crash-"))
    running = getattr(topology, arguments.topology)(folder)
    try:
        running.start()
        status, _, body = connect(running.address).request("PUT", f"/{BUCKET}")
        assert status == 200, body
        for number in range(1, arguments.rounds + 1):
            acknowledged = one_round(running, dice, states)
            removed = remove_a_drive(running, dice) if dice.randrange(REMOVE_ONE_IN) == 0 else None
            running.start()
            objects = verify(running.address, states)
            total += acknowledged
            note = f", {removed} removed" if removed else ""
            print(f"round {number}: {acknowledged} acknowledged, {objects} objects right{note}", flush=True)
            if removed:
                # Two drives may go at once, but not a third: the next removal waits for shards and metadata.
                topology.wait_until(lambda: is_filled(running), "the new drive is filled", 300)
                verify(running.address, states)
    except BaseException:
        kill_all(running)
        print(f"FAILED with seed {arguments.seed}; drives and logs are in {folder}", file=sys.stderr)
        raise
    running.stop()
    shutil.rmtree(folder)
    print(f"passed: {total} acknowledged writes over {arguments.rounds} kills, none lost, torn or mislisted")


if __name__ == "__main__":
    main()
