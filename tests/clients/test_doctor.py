"""`holdfast doctor` on good and on broken deployments."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

import pytest
import topology


def doctor(folder, *arguments, given=True):
    """Exit code and findings, as (level, check, subject) to sentence."""
    environment = topology.environment()
    if not given:
        environment = {name: value for name, value in environment.items() if not name.startswith("HOLDFAST_")}
    done = subprocess.run(
        [topology.program(), "doctor", "--json", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=60,
    )
    assert "panicked" not in done.stderr and done.returncode in (0, 1), done
    report = json.loads(done.stdout)
    assert (report["worst"] == "fail") == (done.returncode == 1)
    assert (done.returncode == 1) == ("action" in done.stderr)
    return {(f["level"], f["check"], f["subject"]): f["sentence"] for f in report["findings"]}


def problems(found):
    return {subject: sentence for (level, _, subject), sentence in found.items() if level == "fail"}


@pytest.fixture
def stopped(running):
    running.stop()
    return running


DRIVES = "drive{1...4}"


def test_a_deployment_that_is_served_is_fine(running):
    found = doctor(running.folder, DRIVES)
    assert not problems(found)
    assert found["ok", "drive", "drive3"] == "slot 2, in use by a server"
    assert "any 2 may fail" in found["ok", "drive", "deployment"]
    assert found["ok", "address", running.address] == "a Holdfast server answers"
    assert found["ok", "server", "redundancy"] == "full"
    assert ("ok", "version", "server") in found
    assert any(check == "disk" and "this one disk" in sentence for (_, check, _), sentence in found.items())
    before = running.metric("holdfast_drives")
    assert doctor(running.folder, DRIVES) and running.ready() and running.metric("holdfast_drives") == before


def test_a_deployment_that_rests_and_one_that_is_not_yet_are_fine(stopped, tmp_path):
    found = doctor(stopped.folder, DRIVES)
    assert not problems(found) and found["ok", "drive", "drive1"] == "slot 0, not in use"
    assert found["ok", "address", stopped.address] == "free"
    stopped.start_front()
    assert stopped.ready(), "nothing was left that hinders a start"
    (tmp_path / "new").mkdir()
    address = f"127.0.0.1:{topology.free_port()}"
    console = f"127.0.0.1:{topology.free_port()}"
    assert not problems(doctor(tmp_path / "new", "--address", address, "--console-address", console))
    assert os.listdir(tmp_path / "new") == []


def test_drives_that_do_not_belong_together_are_named(stopped, tmp_path_factory):
    folder = stopped.folder
    other = topology.serve(tmp_path_factory.mktemp("other"))
    other.start()
    other.stop()
    mixed = problems(doctor(folder, "drive1", "drive2", "drive3", str(other.folder / "drive4")))
    assert "another deployment" in mixed[str(other.folder / "drive4")]
    shutil.rmtree(folder / "drive2")
    shutil.copytree(folder / "drive1", folder / "drive2")
    assert "same drive as drive1" in problems(doctor(folder, DRIVES))["drive2"]
    shutil.rmtree(folder / "drive2")
    assert "missing" in problems(doctor(folder, DRIVES))["drive2"]
    (folder / "drive2").mkdir()
    (folder / "drive2" / "letters.txt").write_text("mine")
    assert "not Holdfast's" in problems(doctor(folder, DRIVES))["drive2"]
    for lost in ["drive3", "drive4"]:
        shutil.rmtree(folder / lost)
    assert "3 of 4 drives are missing" in problems(doctor(folder, DRIVES))["deployment"]
    (folder / "drive1" / "drive.json").write_text("{")
    assert "drive.json" in problems(doctor(folder, DRIVES))["drive1"]
    assert os.listdir(folder / "drive2") == ["letters.txt"]


def test_a_drive_that_a_running_server_lost_is_named(running):
    shutil.rmtree(running.folder / "drive4")
    assert "missing" in problems(doctor(running.folder, DRIVES))["drive4"]


def test_what_others_can_read_or_write_is_named(tmp_path):
    address, console = (f"127.0.0.1:{topology.free_port()}" for _ in range(2))
    flags = ["--address", address, "--console-address", console]
    given = {name: value for name, value in topology.environment().items() if not name.startswith("HOLDFAST_")}
    child = subprocess.Popen(
        [topology.program(), "serve", *flags], cwd=tmp_path, env=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    credentials = tmp_path / "data" / ".holdfast" / "client.json"
    topology.wait_until(credentials.exists, "the server has started")
    child.terminate()
    assert child.wait(timeout=60) == 0
    assert not problems(doctor(tmp_path, given=False))
    credentials.with_name("credentials.json").chmod(0o644)
    (tmp_path / "data" / "drive2").chmod(0o777)
    found = problems(doctor(tmp_path, given=False))
    assert "chmod 600" in found["credentials"] and "chmod go-w" in found["./data/drive2"]


def test_an_address_that_something_else_has_is_named(stopped):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        taken.settimeout(60)
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        child = subprocess.Popen(
            [topology.program(), "doctor", "--json", DRIVES, "--address", address],
            cwd=stopped.folder, env=topology.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        connection, _ = taken.accept()
        connection.sendall(b"220 mail.example ESMTP\r\n")
        connection.close()
        said, _ = child.communicate(timeout=60)
    sentence = next(f["sentence"] for f in json.loads(said)["findings"] if f["subject"] == address)
    assert "not Holdfast" in sentence and "--address" in sentence and child.returncode == 1


def test_a_clock_behind_the_drives_is_named(stopped):
    ahead = time.time() + 3 * 3600
    os.utime(stopped.folder / "drive2" / "drive.json", (ahead, ahead))
    assert "behind" in problems(doctor(stopped.folder, DRIVES))["system clock"]


@pytest.mark.skipif(
    subprocess.run(["stat", "-f", "-c", "%T", "/dev/shm"], capture_output=True, text=True).stdout.strip() != "tmpfs",
    reason="needs a file system in memory",
)
def test_drives_in_memory_are_named(tmp_path):
    folder = pathlib.Path("/dev/shm") / f"holdfast-test-{os.getpid()}"
    (folder / "drive1").mkdir(parents=True)
    try:
        assert "reboot" in problems(doctor(tmp_path, str(folder / "drive1")))[str(folder / "drive1")]
    finally:
        shutil.rmtree(folder)


def test_people_get_one_aligned_line_a_finding(stopped):
    done = subprocess.run(
        [topology.program(), "doctor", DRIVES], cwd=stopped.folder, env=topology.environment(), capture_output=True, text=True
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and all(line.startswith(("ok    ", "warn  ")) for line in lines) and "\x1b" not in done.stdout


def test_a_gateway_s_machine_is_told_which_nodes_cannot_be_reached(tmp_path):
    gone = f"127.0.0.1:{topology.free_port()}"
    (tmp_path / "holdfast.toml").write_text(f'node = ["{gone}"]\naddress = "127.0.0.1:{topology.free_port()}"\n')
    found = doctor(tmp_path, "--console-address", "off")
    assert "cannot be reached" in problems(found)[gone]


def test_a_storage_node_is_fine_with_its_part_of_the_deployment(tmp_path):
    cluster = topology.cluster(tmp_path)
    cluster.start()
    try:
        found = doctor(tmp_path, "node1/drive1")
        assert not problems(found) and found["ok", "drive", "node1/drive1"].endswith("in use by a server")
        assert "1 of its 4 drives are here" in found["ok", "drive", "deployment"]
        assert not any(check == "address" for _, check, _ in found), "those are the gateway's"
    finally:
        cluster.stop()
