"""Every test here runs against one process and against a cluster, unless it asks for one of them."""

import hashlib
import os
import pathlib
import subprocess
import sys
import uuid

import boto3
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "crash"))

import topology  # noqa: E402

MIB = 1024 * 1024


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, topology.Topology):
                report.sections.append(("server logs", value.logs()))
    return report


@pytest.fixture(scope="session", params=["serve", "cluster"])
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    running = getattr(topology, request.param)(folder)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def own_environment(server):
    """What `eval "$(holdfast env)"` sets, and nothing of the user's own configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_ACCESS_KEY_ID": topology.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": topology.SECRET_KEY,
        "AWS_REGION": topology.REGION,
        "AWS_DEFAULT_REGION": topology.REGION,
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture(scope="session")
def aws(own_environment):
    """Runs aws-cli with default settings; answers its standard output."""
    aws_cli = pathlib.Path(sys.executable).parent / "aws"

    def run(*arguments, stdin=b"", fails=False):
        done = subprocess.run([str(aws_cli), *map(str, arguments)], input=stdin, capture_output=True, env=own_environment)
        assert (done.returncode != 0) == fails, done.stderr.decode()
        return (done.stderr if fails else done.stdout).decode()

    return run


@pytest.fixture
def running(tmp_path):
    """A server of the test's own, on four drives."""
    server = topology.serve(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def cluster(tmp_path):
    """A cluster of the test's own: a gateway and four storage nodes."""
    running = topology.cluster(tmp_path)
    running.start()
    yield running
    running.stop()


def client_at(endpoint, secret=topology.SECRET_KEY, region=topology.REGION, verify=None, **config):
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=topology.ACCESS_KEY,
        aws_secret_access_key=secret,
        region_name=region,
        verify=verify,
        config=boto3.session.Config(**config) if config else None,
    )


@pytest.fixture(scope="session")
def s3(server):
    """boto3 with default settings."""
    return client_at(server.endpoint)


@pytest.fixture
def bucket(s3):
    name = f"test-{uuid.uuid4().hex[:20]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="session")
def large_bytes():
    """Size of the large file: 1 GiB in the full run."""
    return 1024 * MIB if os.environ.get("FULL") else 64 * MIB


@pytest.fixture(scope="session")
def large_file(tmp_path_factory, large_bytes):
    path = tmp_path_factory.mktemp("large") / "large.bin"
    with open(path, "wb") as file:
        for _ in range(large_bytes // MIB):
            file.write(os.urandom(MIB))
    return path


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
