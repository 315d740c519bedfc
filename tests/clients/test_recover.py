"""`holdfast recover`: the server is killed, its database goes, a drive goes, and every object comes back."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess

from conftest import client_at

import topology

DRIVES = "drive{1...4}"


def body(number):
    """Bytes of every size class: in the metadata, in segments, in files, in parts."""
    length = [100, 4_000, 50_000, 1_200_000, 3_000_000][number % 5]
    return hashlib.sha256(str(number).encode()).digest() * (length // 32)


def fill(server, objects=25):
    s3 = client_at(server.endpoint)
    for bucket in ["photos", "logs"]:
        s3.create_bucket(Bucket=bucket)
    for number in range(objects):
        s3.put_object(Bucket="photos", Key=f"key {number:03}", Body=body(number))
    s3.put_object(Bucket="logs", Key="removed", Body=b"x")
    s3.delete_object(Bucket="logs", Key="removed")
    upload = s3.create_multipart_upload(Bucket="logs", Key="open")["UploadId"]
    s3.upload_part(Bucket="logs", Key="open", UploadId=upload, PartNumber=1, Body=b"p" * 70_000)


def check(server, objects=25):
    s3 = client_at(server.endpoint)
    listed = s3.list_objects_v2(Bucket="photos")["Contents"]
    assert [entry["Key"] for entry in listed] == [f"key {number:03}" for number in range(objects)]
    for number in range(objects):
        assert s3.get_object(Bucket="photos", Key=f"key {number:03}")["Body"].read() == body(number), number
    assert len(s3.list_multipart_uploads(Bucket="logs")["Uploads"]) == 1


def recover(folder, *arguments, fails=False):
    done = subprocess.run(
        [topology.program(), "recover", *arguments], cwd=folder, env=topology.environment(), capture_output=True, text=True, timeout=120
    )
    assert "panicked" not in done.stderr and (done.returncode != 0) == fails, done
    return done.stderr if fails and "--json" not in arguments else done.stdout


def databases(folder):
    return sorted(folder.glob("drive*/metadata/holdfast.db"))


def everything(folder):
    """Every file below the drives, with what is in it."""
    files = (path for path in folder.glob("drive*/**/*") if path.is_file())
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_without_database_and_without_a_drive_every_object_comes_back(running):
    fill(running)
    running.front.kill()
    (database,) = databases(running.folder)
    shutil.rmtree(database.parent)
    shutil.rmtree(running.folder / "drive3")
    report = json.loads(recover(running.folder, DRIVES, "--json"))
    assert [drive["state"] for drive in report["drives"]] == ["found", "found", "missing", "found"]
    assert {bucket["name"]: bucket["objects"] for bucket in report["rebuilt"]["buckets"]} == {"photos": 25, "logs": 0}
    assert report["rebuilt"]["uploads"] == 1 and report["rebuilt"]["end"]["index"] >= 25
    counts = {name: report["shards"][name]["objects"] for name in ["whole", "reduced", "unreadable"]}
    assert counts == {"whole": 10, "reduced": 15, "unreadable": 0}, "those in the metadata are whole"
    assert report["installed"]["aside"] == []
    assert databases(running.folder) == [running.folder / "drive1" / "metadata" / "holdfast.db"]
    running.start_front()
    check(running)


def test_a_dry_run_changes_no_byte(running):
    fill(running, objects=7)
    running.front.kill()
    shutil.rmtree(databases(running.folder)[0].parent)
    before = everything(running.folder)
    said = recover(running.folder, DRIVES, "--dry-run")
    assert "2 buckets, 7 objects" in said and "1 upload under way" in said and "Nothing was changed" in said
    assert "without a gap" in said and "to" in said
    assert everything(running.folder) == before
    assert not list(pathlib.Path("/tmp").glob("holdfast-recover-*"))


def test_a_database_that_is_there_is_moved_aside_and_kept(running):
    fill(running, objects=7)
    running.front.kill()
    (database,) = databases(running.folder)
    before = database.read_bytes()
    said = recover(running.folder, DRIVES)
    assert "readable up to entry" in said and "Moved aside" in said
    aside = [path for path in database.parent.iterdir() if path.name.startswith("holdfast-aside-")]
    assert before in [path.read_bytes() for path in aside]
    assert database.exists() and not (database.parent / "rebuilt").exists()
    running.start_front()
    check(running, objects=7)


def test_a_database_that_is_damaged_is_rebuilt(running):
    fill(running, objects=7)
    running.front.kill()
    (database,) = databases(running.folder)
    for path in database.parent.iterdir():
        path.write_bytes(b"not a database" * 1000)
    assert "cannot be read" in recover(running.folder, DRIVES)
    running.start_front()
    check(running, objects=7)


def test_objects_that_cannot_be_read_are_named(running):
    fill(running)
    running.front.kill()
    shutil.rmtree(databases(running.folder)[0].parent)
    aside = running.folder / "aside"
    aside.mkdir()
    for lost in ["drive2", "drive3", "drive4"]:
        (running.folder / lost).rename(aside / lost)
    report = json.loads(recover(running.folder, DRIVES, "--json", "--dry-run", fails=True))
    assert report["shards"]["unreadable"]["objects"] == 15 and report["shards"]["whole"]["objects"] == 10
    named = report["shards"]["unreadable_objects"]
    assert len(named) == 15 and named[0] == {
        "bucket": "photos", "key": "key 002", "bytes": len(body(2)), "shards_here": 1, "shards_needed": 2
    }
    said = recover(running.folder, DRIVES, "--dry-run", fails=True)
    assert "15 objects cannot be read" in said
    for lost in ["drive2", "drive3", "drive4"]:
        (aside / lost).rename(running.folder / lost)
    recover(running.folder, DRIVES)
    running.start_front()
    check(running)


def test_what_cannot_be_recovered_is_said_in_a_sentence(running, tmp_path_factory):
    said = recover(running.folder, DRIVES, fails=True)
    assert "in use" in said and "stop" in said and len(said.splitlines()) == 1
    empty = tmp_path_factory.mktemp("empty")
    assert "none of these places holds a drive" in recover(empty, DRIVES, fails=True)
    fill(running, objects=3)
    running.front.kill()
    for drive in range(1, 5):
        shutil.rmtree(running.folder / f"drive{drive}" / "log")
    said = recover(running.folder, DRIVES, fails=True).strip().splitlines()[-1]
    assert "neither a copy" in said and "readable up to entry" in said, "the way out is the database that is there"
    assert databases(running.folder), "and it is left where it is"
    (empty / "holdfast.toml").write_text('node = ["n1:9100"]\n')
    assert "gateway" in recover(empty, fails=True)


def test_a_drive_that_stands_elsewhere_now_is_found_where_it_is_listed(running):
    fill(running, objects=7)
    running.front.kill()
    shutil.rmtree(databases(running.folder)[0].parent)
    os.rename(running.folder / "drive2", running.folder / "moved")
    report = json.loads(recover(running.folder, "drive1", "moved", "drive3", "drive4", "--json"))
    assert [drive["state"] for drive in report["drives"]] == ["found"] * 4
    assert report["shards"]["reduced"]["objects"] == 0


def test_the_newest_copy_that_can_be_used_is_continued_by_the_log(running):
    fill(running, objects=7)
    running.front.kill()
    first = json.loads(recover(running.folder, DRIVES, "--json"))
    index = first["rebuilt"]["end"]["index"]
    copies = running.folder / "drive2" / "snapshots"
    copies.mkdir(exist_ok=True)
    shutil.copy(running.folder / first["installed"]["database"], copies / f"{index:016x}.db")
    running.start_front()
    client_at(running.endpoint).put_object(Bucket="photos", Key="later", Body=b"later")
    running.front.kill()
    damaged = running.folder / "drive4" / "snapshots"
    damaged.mkdir(exist_ok=True)
    (damaged / f"{index + 1:016x}.db").write_bytes(b"SQLite format 3\0" + b"damaged" * 5000)
    shutil.rmtree(databases(running.folder)[0].parent)
    report = json.loads(recover(running.folder, DRIVES, "--json"))
    rebuilt = report["rebuilt"]
    assert rebuilt["copy"] == {"index": index, "slot": 1} and rebuilt["replayed"] > 0
    assert [(bad["index"], bad["slot"]) for bad in rebuilt["unusable_copies"]] == [(index + 1, 3)]
    assert report["drives"][1]["copy"] == index and report["drives"][0]["copy"] is None
    assert sum(bucket["objects"] for bucket in rebuilt["buckets"]) == 8
    running.start_front()
    assert client_at(running.endpoint).get_object(Bucket="photos", Key="later")["Body"].read() == b"later"


def test_a_log_that_is_damaged_is_made_up_by_the_others(running):
    fill(running, objects=7)
    running.front.kill()
    shutil.rmtree(databases(running.folder)[0].parent)
    for drive in range(1, 3):
        (path,) = (running.folder / f"drive{drive}" / "log").glob("*.log")
        content = path.read_bytes()
        second = content.index(b"HFlg", 4096)
        path.write_bytes(content[: second + 40] + b"\xff" + content[second + 41 :])
    report = json.loads(recover(running.folder, DRIVES, "--json"))
    ends = [drive["log"]["last"]["index"] for drive in report["drives"]]
    assert ends[:2] == [1, 1] and ends[2] == ends[3] == report["rebuilt"]["end"]["index"] > 7
    running.start_front()
    check(running, objects=7)
