"""Starts the real binary, as one process or as a cluster, on free ports of loopback."""

import contextlib
import os
import pathlib
import random
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

ACCESS_KEY = "testaccesskey"
SECRET_KEY = "test-secret-key-0123456789"
CLUSTER_SECRET = "a-secret-of-the-test-cluster"
# A region of its own: for us-east-1 clients would presign with version 2.
REGION = "local"
DOMAIN = "s3.test"

# A process that is not ready by then has failed; a test never depends on it being quicker.
READY_SECONDS_MAX = 60


def program():
    path = os.environ.get("HOLDFAST", "")
    if not path:
        root = pathlib.Path(__file__).resolve().parents[2]
        path = str(root / "target" / "debug" / "holdfast")
    if not os.access(path, os.X_OK):
        raise SystemExit(f"{path} is not there: run `cargo build`, or name the binary in HOLDFAST")
    return path


def tool(name):
    """A program that was installed with the Python packages of these tests."""
    return str(pathlib.Path(sys.executable).parent / name)


def free_port():
    """Not one of those that connections get by themselves: one of them could have it by the time that it is listened on."""
    while True:
        port = random.SystemRandom().randrange(12_000, 32_000)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


def wait_until(condition, what, seconds=READY_SECONDS_MAX):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"still waiting for: {what}")
        time.sleep(0.02)


def environment():
    """The environment of a server: nothing of the caller's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST_", "MINIO_", "AWS_"))}
    return kept | {"HOLDFAST_ROOT_ACCESS_KEY": ACCESS_KEY, "HOLDFAST_ROOT_SECRET_KEY": SECRET_KEY}


class Process:
    """One process of the binary; its output goes to a file beside its drives."""

    def __init__(self, folder, name, arguments):
        self.folder, self.name, self.arguments = folder, name, arguments
        self.child = None

    def start(self):
        log = open(self.folder / f"{self.name}.log", "ab")
        with log:
            self.child = subprocess.Popen(
                [program(), *self.arguments],
                cwd=self.folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def alive(self):
        return self.child is not None and self.child.poll() is None

    def log(self):
        return (self.folder / f"{self.name}.log").read_text(errors="replace")

    def kill(self):
        self._end(signal.SIGKILL)

    def terminate(self):
        self._end(signal.SIGTERM)

    def hang(self):
        self.child.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.child.send_signal(signal.SIGCONT)

    def _end(self, number):
        if self.alive():
            self.child.send_signal(number)
        if self.child is not None:
            self.child.wait()


class Topology:
    """What answers S3, and the processes behind it."""

    def __init__(self, folder, front, nodes, address, console):
        self.folder, self.front, self.nodes = folder, front, nodes
        self.address, self.console = address, console
        self.scheme, self.trust = "http", None

    @property
    def endpoint(self):
        return f"{self.scheme}://{self.address}"

    def over_tls(self, authority, *flags):
        """The front speaks TLS with these flags, and its certificates are signed by this authority."""
        self.scheme, self.trust = "https", ssl.create_default_context(cafile=authority)
        self.front.arguments += map(str, flags)
        return self

    def start(self):
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            wait_until(lambda node=node: takes_connections(node.address) or not node.alive(), f"{node.name} listens")
        self.start_front()

    def start_front(self):
        self.front.start()
        wait_until(lambda: self.ready() or not self.front.alive(), f"{self.front.name} is ready")
        if not self.front.alive():
            raise AssertionError(f"{self.front.name} ended:\n{self.front.log()}")

    def ready(self):
        with contextlib.suppress(OSError, urllib.error.URLError):
            with urllib.request.urlopen(f"{self.endpoint}/-/health/ready", timeout=5, context=self.trust) as answer:
                return answer.status == 200
        return False

    def metric(self, name, label=""):
        """The sum of a metric over all its labels, or those that contain one."""
        with urllib.request.urlopen(f"{self.scheme}://{self.console}/metrics", timeout=30, context=self.trust) as answer:
            lines = answer.read().decode().splitlines()
        named = (line for line in lines if line.split("{")[0].split(" ")[0] == name and label in line)
        values = [float(line.rsplit(" ", 1)[1]) for line in named]
        assert values, f"no metric {name}"
        return sum(values)

    def logs(self):
        """The last lines of each process, for a test that failed."""
        last = ((process.name, process.log().splitlines()[-30:]) for process in [self.front, *self.nodes])
        return "\n".join("\n".join([f"--- {name}", *lines]) for name, lines in last)

    def admin(self, *arguments, fails=False):
        """Runs `holdfast admin` in the server's folder, which is where it finds the server by itself."""
        state = ["--state", "gateway"] if self.nodes else ["--state", ".holdfast"]
        command = [program(), "admin", *arguments, *state]
        done = subprocess.run(command, cwd=self.folder, env=environment(), capture_output=True, text=True, timeout=60)
        assert (done.returncode != 0) == fails, done
        return done.stderr if fails else done.stdout

    def stop(self):
        self.front.terminate()
        for node in self.nodes:
            node.terminate()


def takes_connections(address):
    host, port = address.split(":")
    with contextlib.suppress(OSError):
        socket.create_connection((host, int(port)), timeout=5).close()
        return True
    return False


def serve(folder, drives=4):
    address, console = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    flags = ["--address", address, "--console-address", console, "--domain", DOMAIN]
    front = Process(folder, "serve", ["serve", f"drive{{1...{drives}}}", *flags])
    return Topology(folder, front, [], address, console)


def storage_node(folder, name, *flags):
    """A storage node with one drive, and the cluster's secret unless the flags give another one."""
    address = f"127.0.0.1:{free_port()}"
    if "--cluster-secret" not in flags:
        flags = [*flags, "--cluster-secret-file", str(folder / "cluster.secret")]
    node = Process(folder, name, ["node", f"{name}/drive1", "--address", address, *flags])
    node.address = address
    return node


def cluster(folder, nodes=4):
    secret = folder / "cluster.secret"
    secret.write_text(CLUSTER_SECRET)
    members = [storage_node(folder, f"node{number}") for number in range(1, nodes + 1)]
    address, console = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    flags = ["--address", address, "--console-address", console, "--domain", DOMAIN]
    flags += ["--cluster-secret-file", str(secret), "--state", "gateway"]
    for member in members:
        flags += ["--node", member.address]
    front = Process(folder, "gateway", ["gateway", *flags])
    return Topology(folder, front, members, address, console)
