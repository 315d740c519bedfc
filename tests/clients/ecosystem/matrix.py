"""The matrix of clients, a plugin of pytest: each test is one client, on one process and on a gateway with storage nodes.

What was run is written to the page that COMPATIBILITY_PAGE names.
"""

import collections
import os
import pathlib
import re
import shutil
import subprocess

import pytest
import topology

ROOT = pathlib.Path(__file__).resolve().parents[3]
INSTALLED = ROOT / ".ecosystem"
TOPOLOGIES = {"serve": "one process", "cluster": "gateway and nodes"}

# Client to topology to what was checked; a text stands for why it was not run.
RUNS = collections.defaultdict(dict)
VERSIONS = {}


def program(name):
    """A client's program: installed by these tests, in the virtual environment, or of the machine."""
    own = INSTALLED / "bin" / name
    path = str(own) if own.exists() else shutil.which(name, path=topology.tool("")) or shutil.which(name)
    if not path:
        pytest.skip(f"{name} is not installed here")
    return path


def pinned(path, pattern):
    """A version that a file of these tests pins."""
    return re.search(pattern, (pathlib.Path(__file__).parent / path).read_text()).group(1)


class Client:
    """Takes down what one client was seen to do."""

    def __init__(self, name, kind):
        self.name, self.kind, self.held = name, kind, []

    def version(self, text):
        VERSIONS[self.name] = text.strip().splitlines()[0].strip()

    def does(self, what):
        self.held.append(what)

    def run(self, *arguments, environment=None, folder=None, stdin=None, fails=False, seconds=300):
        done = subprocess.run(
            [str(argument) for argument in arguments], env=environment, cwd=folder, input=stdin, capture_output=True, timeout=seconds
        )
        said = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
        assert (done.returncode != 0) == fails, said
        return said

    def sdk(self, *arguments, environment):
        """A program that prints a line for each check that held."""
        said = self.run(*arguments, environment=environment)
        held = [line.removeprefix("held: ") for line in said.splitlines() if line.startswith("held: ")]
        assert held, said
        self.held += held


@pytest.fixture
def client(request, server):
    marker = request.node.get_closest_marker("client")
    made = Client(marker.args[0], request.node.callspec.params["server"])
    yield made
    report = getattr(request.node, "outcome_of_call", None)
    if report == "passed":
        RUNS[made.name].setdefault(made.kind, []).extend(made.held)
    else:
        RUNS[made.name][made.kind] = "fails" if report == "failed" else "not run"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call":
        item.outcome_of_call = report.outcome
    return report


@pytest.fixture
def environment(own_environment, bucket):
    """What the SDKs read, and the bucket of this test."""
    return own_environment | {"BUCKET": bucket}


def pytest_configure(config):
    config.addinivalue_line("markers", "client(name): which client a test runs")


def pytest_sessionfinish(session):
    page = os.environ.get("COMPATIBILITY_PAGE")
    if page and RUNS:
        pathlib.Path(page).write_text(rendered())


def rendered():
    lines = [
        "# Compatibility",
        "",
        "What clients were seen to do, each with its default settings unless said otherwise, on one process (`holdfast serve`) and on a",
        "gateway with four storage nodes. `make test-clients` runs them and writes this page; what is not listed was not tried.",
        "",
        "| Client | Version | " + " | ".join(kind.capitalize() for kind in TOPOLOGIES.values()) + " | Checked |",
        "|---|---|" + "---|" * len(TOPOLOGIES) + "---|",
    ]
    for name in sorted(RUNS, key=str.lower):
        runs = RUNS[name]
        cells = ["works" if isinstance(runs.get(kind), list) else runs.get(kind, "not run") for kind in TOPOLOGIES]
        checked = next((run for run in runs.values() if isinstance(run, list)), [])
        lines.append(f"| {name} | {VERSIONS.get(name, '')} | {' | '.join(cells)} | {'; '.join(dict.fromkeys(checked))} |")
    return "\n".join(lines) + "\n"
