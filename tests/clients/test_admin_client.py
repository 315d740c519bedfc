"""`holdfast admin` against a console of the test's own, which says what a busy server would."""

import http.server
import json
import os
import pty
import re
import select
import signal
import subprocess
import threading
import time

import pytest
import topology

PLAN = {
    "bytes_to_move": 3 << 30, "shards_to_move": 1200, "seconds": 90, "now": "any 2 drives may fail",
    "during": "any 2 drives may fail", "after": "any 1 drive may fail", "started": True, "notes": ["drive 3 is slow"],
}


def status(*work):
    health = {"status": "full_redundancy", "drives": 4, "drives_up": 4, "drives_spare": 2, "healing": False, "writable": True}
    drive = {"slot": 0, "label": "./d1", "up": True, "total_bytes": 100, "free_bytes": 40, "state": "draining", "later": 1}
    tally = {"objects": 7, "bytes": 700}
    return {
        "version": "9.9.9", "deployment": "ab", "region": "local", "uptime_seconds": 60, "health": health,
        "data_shards": 2, "parity_shards": 2, "pending_heals": 0, "drives": [drive], "buckets": [],
        "redundancy": {"full": tally, "reduced": tally, "zero_margin": tally, "unreadable": tally, "metadata_spare": 2},
        "work": list(work), "later": {"x": 1},
    }


def drain(state, done):
    return {"name": "drain", "state": state, "done": done, "total": 4, "unit": "shards", "per_second": 1.0, "detail": "busy"}


class Console:
    """Answers by path from a script; the last answer of a path is said again and again."""

    def __init__(self, script):
        self.script, self.asked = script, []
        console = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer("")

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers["content-length"])).decode())

            def answer(self, body):
                console.asked.append((self.command, self.path, body))
                answers = console.script[self.path]
                code, said = answers.pop(0) if len(answers) > 1 else answers[0]
                text = json.dumps(said).encode()
                self.send_response(code)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def console():
    made = []

    def make(script):
        made.append(Console(script))
        return made[-1]

    yield make
    for one in made:
        one.server.shutdown()
        one.server.server_close()


def command(console, *arguments):
    return [topology.program(), "admin", *arguments, "--console-address", console.address]


def admin(console, *arguments, fails=False):
    done = subprocess.run(command(console, *arguments), env=topology.environment(), capture_output=True, text=True, timeout=60)
    assert (done.returncode != 0) == fails, done
    return done.stderr if fails else done.stdout


def test_a_dry_run_asks_for_a_plan_alone_and_tells_it(console):
    busy = console({"/api/v1/drives/3/drain": [(200, PLAN | {"started": False})]})
    said = admin(busy, "drive", "drain", "3", "--dry-run")
    assert "3.0 GiB in 1,200 shards, about 1 min 30 s" in said and "any 1 drive may fail" in said
    assert "Nothing was changed" in said and "drive 3 is slow" in said
    assert busy.asked == [("POST", "/api/v1/drives/3/drain", '{"dry_run":true}')]


def test_every_change_has_its_request(console):
    paths = ["drives", "drives/1/remove", "drives/1/replace", "nodes", "nodes/n1:9100/drain", "nodes/%5B::1%5D:9100/remove",
             "rebalance", "scrub"]
    busy = console({f"/api/v1/{path}": [(200, PLAN)] for path in paths})
    for words in ["drive add /mnt/d5", "drive remove 1", "drive replace 1 /mnt/d6", "node add n9:9100", "node drain n1:9100",
                  "node remove [::1]:9100", "rebalance --stop", "scrub --now"]:
        assert json.loads(admin(busy, *words.split(), "--json")) == PLAN
    bodies = {path: json.loads(body) for _, path, body in busy.asked}
    assert [path.removeprefix("/api/v1/") for path in bodies] == paths
    assert bodies["/api/v1/drives"] == {"location": "/mnt/d5", "dry_run": False}
    assert bodies["/api/v1/drives/1/replace"] == {"location": "/mnt/d6", "dry_run": False}
    assert bodies["/api/v1/nodes"] == {"address": "n9:9100", "dry_run": False}
    assert bodies["/api/v1/rebalance"] == {"stop": True, "dry_run": False}


def test_wait_ends_when_the_work_does(console):
    looks = [(200, status(drain(state, done))) for state, done in [("idle", 0), ("running", 1), ("running", 3), ("idle", 4)]]
    busy = console({"/api/v1/drives/3/drain": [(200, PLAN)], "/api/v1/status": looks})
    assert admin(busy, "drive", "drain", "3", "--wait").endswith("Done.\n")
    assert len(busy.asked) >= 5, "once idle is not the end: the work may begin a moment late"


def test_what_the_server_refuses_is_said_as_it_says_it(console):
    busy = console({"/api/v1/drives": [(409, {"error": "the folder is not empty; give an empty one"})]})
    assert admin(busy, "drive", "add", "/etc", fails=True) == "holdfast: the folder is not empty; give an empty one\n"


def test_objects_at_risk_come_page_by_page(console):
    entry = {"bucket": "b", "key": "k 1", "bytes": 5, "margin": 0}
    first, second = {"objects": [entry], "next": "b/k 1"}, {"objects": [entry | {"key": "k2", "margin": -1}], "next": None}
    script = {"/api/v1/risk?after=&max=1000": [(200, first)], "/api/v1/risk?after=b%2Fk%201&max=999": [(200, second)],
              "/api/v1/risk?after=&max=1": [(200, first)]}
    said = admin(console(script), "risk").splitlines()
    assert said[1].split() == ["0", "5", "B", "b/k", "1"] and said[2].split()[0] == "unreadable"
    assert admin(console(script), "risk", "--max", "1").endswith("holdfast admin risk --after 'b/k 1'\n")
    assert len(json.loads(admin(console(script), "risk", "--json"))["objects"]) == 2


def test_a_terminal_gets_a_live_view_and_is_given_back(console):
    busy = console({"/api/v1/status": [(200, status(drain("running", 1))), (200, status(drain("running", 3)))]})
    ours, theirs = pty.openpty()
    child = subprocess.Popen(command(busy, "status"), env=topology.environment(), stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""

    def read():
        nonlocal seen
        if select.select([ours], [], [], 0.05)[0]:
            try:
                seen += os.read(ours, 65536)
            except OSError:
                pass

    deadline = time.monotonic() + 60
    while "75 %" not in seen.decode(errors="replace") and time.monotonic() < deadline:
        read()
    assert child.poll() is None, "it goes on until it is told to stop"
    child.send_signal(signal.SIGINT)
    while child.poll() is None and time.monotonic() < deadline:
        read()
    read()
    os.close(ours)
    assert child.returncode == 0
    text = seen.decode()
    assert text.startswith("\x1b[?1049h\x1b[?25l") and "\x1b[?25h\x1b[?1049l" in text
    assert "25 %" in text and re.search(r"draining", text)
