#!/usr/bin/env python3
"""Every choice of m drives out of all, removed, corrupted, ruined and hung.

Each time every object must read right and writes must go on; afterwards redundancy must come back to "all full", and in
the end an audit of every byte on the drives must agree with that.

    tests/crash/losses.py --drives 4 [--drives 6] [--choices N]
"""

import argparse
import contextlib
import itertools
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))

import audit  # noqa: E402
import hanging  # noqa: E402
import signed  # noqa: E402
import topology  # noqa: E402

PARITY = 2
BUCKET = "losses"
# Of each way that an object can be kept: in the metadata, in segments, in files of several stripes.
SIZES = [0, 100, 5_000, 70_000, 400_000, 1_500_000, 5_500_000]
# Bytes between two that are flipped.
FLIP_EVERY = 5_000
HEALED_SECONDS_MAX = 300


class Drill:
    """A running deployment, and what must be in it."""

    def __init__(self, deployment):
        self.deployment, self.objects = deployment, {}
        self.random = random.Random(7)
        self.connection = signed.Connection(
            deployment.address, topology.ACCESS_KEY, topology.SECRET_KEY, topology.REGION
        )
        self.answer("PUT", f"/{BUCKET}")

    def answer(self, method, path, body=b""):
        """As an SDK asks: again, after longer and longer, where the server says that it failed."""
        for pause in [0.1, 0.2, 0.4, 0.8, 1.6]:
            status, _, content = self.connection.request(method, path, body=body)
            if status < 500:
                break
            time.sleep(pause)
        assert status == 200, f"{method} {path}: {status} {content[:300]}"
        return content

    def write(self, label):
        for size in SIZES:
            key = f"{label}/{size}"
            self.objects[key] = self.random.randbytes(size)
            self.answer("PUT", f"/{BUCKET}/{key}", self.objects[key])

    def check(self):
        for key, content in self.objects.items():
            assert self.answer("GET", f"/{BUCKET}/{key}") == content, f"wrong bytes: {key}"

    def wait_until_full(self):
        metric = self.deployment.metric
        full = lambda: metric("holdfast_redundancy_objects", 'margin="full"') == len(self.objects)  # noqa: E731
        healed = lambda: metric("holdfast_heals_pending") == 0 and full()  # noqa: E731
        topology.wait_until(healed, "all objects are at full redundancy", HEALED_SECONDS_MAX)

    def restart(self, lost=()):
        """A start takes blank drives in the places of lost ones, and refills them."""
        self.connection.close()
        self.deployment.front.terminate()
        for path in lost:
            shutil.rmtree(path)
        self.deployment.start_front()
        self.check()
        self.wait_until_full()

    def audit(self, roots, databases):
        self.deployment.stop()
        database = audit.newest(databases)
        # The others are in the metadata.
        on_drives = {key: content for key, content in self.objects.items() if len(content) > 4096}
        print(f"  audit: {audit.audit(roots, database, on_drives)} shards compared byte for byte", flush=True)


def flip(folder):
    """Flips a bit of every few thousand bytes of all shards of a drive."""
    for path in [*folder.glob("segments/*.seg"), *folder.glob("blobs/*/*.blob")]:
        with open(path, "r+b") as file:
            content = file.read(64 << 20)
            for at in range(100, len(content), FLIP_EVERY):
                file.seek(at)
                file.write(bytes([content[at] ^ 16]))


def removed_and_corrupted(folder, drives, choices):
    """One process: drives vanish under it, or lie; blank ones take their places at its next start."""
    deployment = topology.serve(folder, drives)
    deployment.start()
    drill = Drill(deployment)
    drill.write("first")
    for choice in choices:
        lost = [folder / f"drive{number + 1}" for number in choice]
        for path in lost:
            flip(path)
        drill.check()
        drill.write(f"corrupt{choice}")
        deployment.admin("scrub", "--now", "--wait")
        drill.wait_until_full()
        for path in lost:
            shutil.rmtree(path)
        drill.check()
        drill.write(f"removed{choice}")
        drill.restart()
        print(f"  drives {choice}: corrupted, scrubbed, removed, refilled; {len(drill.objects)} objects right", flush=True)
    drill.audit(folder.glob("drive*"), folder.glob("drive*/metadata/holdfast.db"))


def overwrite(path, length):
    with open(path, "r+b") as file:
        file.write(random.randbytes(length))


# What becomes of all files of a drive, its log, its copies of the database and the database itself among them.
RUINS = {"overwritten": overwrite, "cut off": lambda path, length: os.truncate(path, length // 3)}


def ruined(folder, drives, choices):
    """One process: whole drives turn to rubbish under it; at its next start blank ones take their places."""
    deployment = topology.serve(folder, drives)
    deployment.start()
    drill = Drill(deployment)
    drill.write("first")
    for (way, ruin), choice in itertools.product(RUINS.items(), choices):
        lost = [folder / f"drive{number + 1}" for number in choice]
        for path in [path for drive in lost for path in drive.rglob("*") if path.is_file()]:
            ruin(path, path.stat().st_size)
        drill.check()
        drill.write(f"{way}{choice}")
        drill.check()
        drill.restart(lost)
        print(f"  drives {choice}: {way}, refilled; {len(drill.objects)} objects right", flush=True)
    drill.audit(folder.glob("drive*"), folder.glob("drive*/metadata/holdfast.db"))


def hung(deployment, members, choices):
    """Members of a deployment stop answering, and go on later."""
    deployment.start()
    drill = Drill(deployment)
    drill.write("first")
    for choice in choices:
        for number in choice:
            members[number].hang()
        drill.check()
        drill.write(f"hung{choice}")
        drill.check()
        for number in choice:
            members[number].go_on()
        drill.wait_until_full()
        print(f"  {choice}: hung, and back; {len(drill.objects)} objects right", flush=True)
    return drill


def hung_drives(folder, drives, choices):
    """One process, of whose drives some hang, that with the metadata database among them."""
    if hanging.why_not():
        print(f"  NOT DONE: {hanging.why_not()}", flush=True)
        return
    with contextlib.ExitStack() as mounted:
        names = [f"drive{number + 1}" for number in range(drives)]
        members = [mounted.enter_context(hanging.HangingDrive(folder, name)) for name in names]
        deployment = topology.serve(folder, drives)
        mounted.callback(deployment.stop)
        drill = hung(deployment, members, choices)
        drill.audit(folder.glob("drive*"), folder.glob("drive*/metadata/holdfast.db"))


def hung_nodes(folder, drives, choices):
    """A cluster, of whose nodes some hang."""
    deployment = topology.cluster(folder, drives)
    drill = hung(deployment, deployment.nodes, choices)
    drill.audit(folder.glob("node*/drive1"), [folder / "gateway" / "metadata" / "holdfast.db"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drives", type=int, action="append", help="drives of a deployment; 4 are 2+2, 6 are 4+2")
    parser.add_argument("--choices", type=int, help="at most so many choices of drives, instead of all")
    arguments = parser.parse_args()
    for drives in arguments.drives or [4]:
        choices = list(itertools.combinations(range(drives), PARITY))
        if arguments.choices:
            choices = random.Random(drives).sample(choices, min(arguments.choices, len(choices)))
        for drill in [removed_and_corrupted, ruined, hung_drives, hung_nodes]:
            print(f"{drill.__name__}: {len(choices)} choices of {PARITY} out of {drives} drives", flush=True)
            with tempfile.TemporaryDirectory(prefix="holdfast-losses-") as folder:
                drill(pathlib.Path(folder), drives, choices)


if __name__ == "__main__":
    main()
