#!/usr/bin/env python3
"""A fifth drive of half their size joins four, and another one is drained, while clients write, read and delete.

No request may fail and no byte may be wrong; the drives fill up alike; what the dry runs said of bytes and seconds is
printed beside what came of it. Every drive is a file system of its own on a loop device, so this needs root.

    tests/crash/growth.py [--drive-mib 2048] [--clients 8]
"""

import argparse
import contextlib
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))

import signed  # noqa: E402
import topology  # noqa: E402

BUCKET = "growth"
DRIVES = 4
LEAVES = "drive2"
SIZES = [20_000, 70_000, 400_000, 1_500_000, 5_500_000]
# Part of the four drives' room, parity and all, that is filled before anything changes.
FILLED = 0.35
# How far the drives' fills may be apart in the end, and an estimate from what came of it.
FILL_SPREAD_MAX, ESTIMATE_OFF_MAX = 0.06, 0.25
CHANGE_SECONDS_MAX = 1200


@contextlib.contextmanager
def mounted(folder, name, mib):
    """A file system of so many MiB at folder/name."""
    image, place = folder / f"{name}.img", folder / name
    place.mkdir()
    with open(image, "wb") as file:
        file.truncate(mib << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


class Client(threading.Thread):
    """Overwrites, reads back and deletes objects of its own, each request checked, until it is told to stop."""

    def __init__(self, address, number, stop):
        super().__init__(daemon=True)
        self.connection = signed.Connection(address, topology.ACCESS_KEY, topology.SECRET_KEY, topology.REGION)
        self.number, self.stop, self.random = number, stop, random.Random(number)
        self.contents, self.requests, self.wrong = {}, 0, []

    def ask(self, method, path, body=b""):
        self.requests += 1
        status, _, content = self.connection.request(method, path, body=body)
        if status not in (200, 204):
            self.wrong.append(f"{method} {path}: {status} {content[:200]}")
        return content

    def run(self):
        while not self.stop.is_set() and not self.wrong:
            path = f"/{BUCKET}/client{self.number}/{self.random.randrange(40)}"
            if path in self.contents and self.random.random() < 0.3:
                self.ask("DELETE", path)
                del self.contents[path]
                continue
            self.contents[path] = self.random.randbytes(self.random.choice(SIZES[:3]))
            self.ask("PUT", path, self.contents[path])
            read = self.random.choice(list(self.contents))
            if self.ask("GET", read) != self.contents[read]:
                self.wrong.append(f"wrong bytes: {read}")


class Deployment:
    """A server on the mounted drives, objects in it, and what its admin commands say."""

    def __init__(self, folder):
        self.folder, self.server = folder, topology.serve(folder, DRIVES)
        self.server.start()
        self.random, self.contents = random.Random(3), {}
        self.connection = signed.Connection(
            self.server.address, topology.ACCESS_KEY, topology.SECRET_KEY, topology.REGION
        )
        self.answer("PUT", f"/{BUCKET}")

    def answer(self, method, path, body=b""):
        status, _, content = self.connection.request(method, path, body=body)
        assert status == 200, f"{method} {path}: {status} {content[:300]}"
        return content

    def fill(self, payload_bytes):
        """Objects of all sizes, and their bytes can be made again from the keys."""
        for number in range(payload_bytes * len(SIZES) // sum(SIZES)):
            path = f"/{BUCKET}/old/{number}"
            self.contents[path] = SIZES[number % len(SIZES)]
            self.answer("PUT", path, self.bytes_of(path))

    def bytes_of(self, path):
        return random.Random(path).randbytes(self.contents[path])

    def check(self):
        self.connection.close()
        for path in self.contents:
            assert self.answer("GET", path) == self.bytes_of(path), f"wrong bytes: {path}"

    def admin(self, *arguments):
        done = subprocess.run(
            [topology.program(), "admin", *arguments, "--json", "--state", ".holdfast"],
            cwd=self.folder, env=topology.environment(), capture_output=True, text=True, timeout=CHANGE_SECONDS_MAX,
        )
        assert done.returncode == 0, done
        return json.loads(done.stdout)

    def held(self):
        """What each drive holds, by the name of its folder."""
        drives = self.admin("drive", "list")["drives"]
        return {pathlib.Path(drive["label"]).name: drive["held_bytes"] for drive in drives}

    def fills(self, mib):
        return {name: held / (mib[name] << 20) for name, held in self.held().items()}

    def wait(self, done, what):
        topology.wait_until(lambda: time.sleep(0.2) or done(), what, CHANGE_SECONDS_MAX)

    def moving(self):
        work = {work["name"]: work["state"] for work in self.admin("status")["work"]}
        return work["rebalance"] == "running"


def tell(what, planned, bytes_moved, seconds):
    """Prints an estimate beside what came of it, and says whether it was near enough."""
    off = [planned["bytes_to_move"] / bytes_moved - 1, planned["seconds"] / seconds - 1]
    print(
        f"{what}: {bytes_moved / 1e6:.0f} MB moved, {planned['bytes_to_move'] / 1e6:.0f} foreseen ({off[0]:+.0%}); "
        f"{seconds:.1f} s, {planned['seconds']} foreseen ({off[1]:+.0%})", flush=True,
    )
    return max(map(abs, off)) <= ESTIMATE_OFF_MAX


def grow_and_shrink(deployment, mib, clients):
    time.sleep(2)
    planned = deployment.admin("drive", "add", "drive5", "--dry-run")
    begun = time.monotonic()
    deployment.admin("drive", "add", "drive5")
    deployment.wait(lambda: not deployment.moving(), "the drives are even")
    near = [tell("fifth drive", planned, deployment.held()["drive5"], time.monotonic() - begun)]
    fills = deployment.fills(mib)
    print("fills:", " ".join(f"{name} {fill:.3f}" for name, fill in sorted(fills.items())), flush=True)
    near.append(max(fills.values()) - min(fills.values()) <= FILL_SPREAD_MAX)

    drives = deployment.admin("drive", "list")["drives"]
    (slot,) = [str(drive["slot"]) for drive in drives if pathlib.Path(drive["label"]).name == LEAVES]
    held = deployment.held()[LEAVES]
    planned = deployment.admin("drive", "drain", slot, "--dry-run")
    begun = time.monotonic()
    deployment.admin("drive", "drain", slot)
    deployment.wait(lambda: deployment.held().get(LEAVES, 0) == 0, "the drive is empty")
    near.append(tell("drain", planned, held, time.monotonic() - begun))
    assert all(client.is_alive() for client in clients), "a client has given up"
    return all(near)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drive-mib", type=int, default=2048, help="size of each of the four drives")
    parser.add_argument("--clients", type=int, default=8)
    arguments = parser.parse_args()
    mib = {f"drive{number}": arguments.drive_mib for number in range(1, DRIVES + 1)}
    mib["drive5"] = arguments.drive_mib // 2
    with tempfile.TemporaryDirectory(prefix="holdfast-growth-") as name, contextlib.ExitStack() as mounts:
        folder = pathlib.Path(name)
        for drive, size in mib.items():
            mounts.enter_context(mounted(folder, drive, size))
        deployment = Deployment(folder)
        mounts.callback(deployment.server.stop)
        deployment.fill(int(FILLED * DRIVES * (arguments.drive_mib << 20) / 2))
        stop = threading.Event()
        clients = [Client(deployment.server.address, number, stop) for number in range(arguments.clients)]
        for client in clients:
            client.start()
        near = grow_and_shrink(deployment, mib, clients)
        stop.set()
        for client in clients:
            client.join()
        wrong = [what for client in clients for what in client.wrong]
        deployment.check()
        requests = sum(client.requests for client in clients)
        print(f"{requests} requests meanwhile, {len(wrong)} failed or wrong; {len(deployment.contents)} objects right")
        assert not wrong, wrong
        sys.exit(0 if near else "an estimate was off by more than 25 %, or the drives are not even")


if __name__ == "__main__":
    main()
