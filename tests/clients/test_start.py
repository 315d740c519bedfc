"""Starting, stopping, and the one sentence that is said when it cannot be."""

import json
import os
import re
import stat
import subprocess

import pytest
from conftest import client_at

import signed
import topology


def environment(**more):
    return {name: value for name, value in topology.environment().items() if not name.startswith("HOLDFAST_")} | more


def run(folder, *arguments, **more):
    return subprocess.run(
        [topology.program(), *arguments], cwd=folder, env=environment(**more), capture_output=True, text=True, timeout=60
    )


def complaint(folder, *arguments, **more):
    """What a start that must fail says: one sentence, no dump, exit code 1."""
    done = run(folder, *arguments, **more)
    assert done.returncode == 1, done
    said = done.stderr.strip().splitlines()[-1]
    assert said.startswith("holdfast: ") and "Error {" not in said and "panicked" not in done.stderr, done.stderr
    return said


def flags():
    return ["--address", f"127.0.0.1:{topology.free_port()}", "--console-address", "off"]


@pytest.fixture
def stopped(tmp_path):
    """Drives of a deployment whose server has ended."""
    server = topology.serve(tmp_path)
    server.start()
    server.stop()
    return tmp_path


def test_a_taken_port_is_named_with_the_flag(running, tmp_path):
    said = complaint(tmp_path, "serve", "other{1...4}", "--address", running.address, "--console-address", "off")
    assert running.address in said and "--address" in said
    assert not (tmp_path / "other1").exists(), "no drive was touched"


def test_two_servers_on_one_drive_are_refused(running, tmp_path):
    assert "in use by another" in complaint(tmp_path, "serve", "drive{1...4}", *flags())


def test_a_drive_that_is_not_listed_is_found_and_a_blank_one_more_is_left_alone(stopped):
    for listed in [3, 5]:
        server = topology.serve(stopped, drives=listed)
        server.start()
        try:
            assert server.metric("holdfast_drive_up") == 4
        finally:
            server.stop()
    assert not (stopped / "drive5" / "drive.json").exists()


def test_drives_of_two_deployments_are_refused(stopped, tmp_path_factory):
    other = topology.serve(tmp_path_factory.mktemp("other"))
    other.start()
    other.stop()
    mixed = ["drive1", "drive2", "drive3", str(other.folder / "drive4")]
    assert "another deployment" in complaint(stopped, "serve", *mixed, *flags())


def test_a_folder_with_files_of_others_is_refused(tmp_path):
    (tmp_path / "drive1").mkdir()
    (tmp_path / "drive1" / "letters.txt").write_text("mine")
    assert "not Holdfast's" in complaint(tmp_path, "serve", "drive1", *flags())
    assert os.listdir(tmp_path / "drive1") == ["letters.txt"]


def test_a_place_that_cannot_hold_a_drive_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    assert "drive file" in complaint(tmp_path, "serve", "file", *flags())
    assert not (tmp_path / ".holdfast" / "credentials.json").exists(), "the secret would never be shown"


def test_mistakes_in_the_configuration_are_named(tmp_path):
    (tmp_path / "holdfast.toml").write_text('adress = "127.0.0.1:1"\n')
    said = complaint(tmp_path, "serve", *flags())
    assert "`adress`" in said and "`address`" in said
    (tmp_path / "holdfast.toml").unlink()
    assert "HOST:PORT" in complaint(tmp_path, "gateway", "--cluster-secret", "0123456789abcdef")
    assert "secret" in complaint(tmp_path, "node", "drive1")
    well_known = {"HOLDFAST_ROOT_ACCESS_KEY": "minioadmin", "HOLDFAST_ROOT_SECRET_KEY": "minioadmin"}
    assert "well-known" in complaint(tmp_path, "serve", "--address", ":0", "--console-address", "off", **well_known)


def test_the_first_start_makes_credentials_that_env_prints_and_later_starts_keep(tmp_path):
    address = f"127.0.0.1:{topology.free_port()}"
    shown = []
    for _ in range(2):
        child = subprocess.Popen(
            [topology.program(), "serve", "--address", address, "--console-address", "off", "--bucket", "made"],
            cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        banner = []
        for line in child.stdout:
            banner.append(line)
            if "aws s3 cp" in line:
                break
        assert len(banner) <= 15
        assert run(tmp_path, "health").stdout == "ready\n"
        exports = dict(re.findall(r"^export (\w+)=(\S+)$", run(tmp_path, "env").stdout, re.MULTILINE))
        shown.append(("".join(banner), exports))
        child.terminate()
        assert child.wait(timeout=60) == 0
    (first, exports), (second, again) = shown
    assert exports == again and exports["AWS_ENDPOINT_URL"] == f"http://{address}"
    assert exports["AWS_SECRET_ACCESS_KEY"] in first and exports["AWS_SECRET_ACCESS_KEY"] not in second
    assert "s3://made" in first
    kept = tmp_path / "data" / ".holdfast" / "credentials.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text())["access_key_id"] == exports["AWS_ACCESS_KEY_ID"]
    assert run(tmp_path, "health").returncode == 1, "the server has ended"


def test_env_is_that_of_the_server_that_was_started_last(tmp_path):
    for state in ["data/.holdfast", "data/gateway", "data/.holdfast"]:
        address = f"127.0.0.1:{topology.free_port()}"
        drives = state.replace("/", "-") + "{1...2}"
        child = subprocess.Popen(
            [topology.program(), "serve", drives, "--state", state, "--address", address, "--console-address", "off"],
            cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        said = f"export AWS_ENDPOINT_URL=http://{address}\n"
        topology.wait_until(lambda: said in run(tmp_path, "env").stdout, f"env tells of {state}")
        child.terminate()
        assert child.wait(timeout=60) == 0


def test_sigterm_finishes_the_request_in_flight(running):
    s3 = client_at(running.endpoint)
    s3.create_bucket(Bucket="bucket")

    def slow():
        """A body that ends only after the server was asked to stop."""
        yield b"a" * 70_000
        running.front.child.terminate()
        topology.wait_until(lambda: not topology.takes_connections(running.address), "no new connections")
        yield b"b" * 70_000

    connection = signed.Connection(running.address, topology.ACCESS_KEY, topology.SECRET_KEY, topology.REGION)
    status, _, said = connection.request("PUT", "/bucket/slow", body=slow(), length=140_000)
    assert status == 200, said
    connection.close()
    assert running.front.child.wait(timeout=60) == 0
    running.start_front()
    assert s3.get_object(Bucket="bucket", Key="slow")["Body"].read() == b"a" * 70_000 + b"b" * 70_000
