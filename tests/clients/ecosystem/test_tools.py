"""Tools that people move and back up files with."""

import filecmp
import os
import pathlib
import shutil
import subprocess

import pytest
import topology
from matrix import pinned, program

MIB = 1024 * 1024


@pytest.fixture
def tree(tmp_path):
    """Files of several sizes under names that make trouble."""
    root = tmp_path / "tree"
    for name, size in [
        ("a.txt", 10), ("empty", 0), ("deep/er/b+c d&e.bin", 70_000), ("ünïcödé/=%20.txt", 5), ("large.bin", 12 * MIB),
        *((f"many/{number}.txt", number) for number in range(200)),
    ]:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return root


def files(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def expect_same(one, other):
    assert files(one) == files(other)
    _, different, unreadable = filecmp.cmpfiles(one, other, files(one), shallow=False)
    assert not different and not unreadable


@pytest.mark.client("aws-cli v1")
def test_aws_cli_v1(client, environment, bucket, tree, tmp_path):
    aws = topology.tool("aws")
    client.version(client.run(aws, "--version", environment=environment).split()[0].removeprefix("aws-cli/"))

    def s3(*arguments):
        return client.run(aws, "s3", *arguments, environment=environment)

    s3("sync", "--only-show-errors", tree, f"s3://{bucket}/tree")
    assert s3("sync", "--only-show-errors", tree, f"s3://{bucket}/tree") == ""
    s3("sync", "--only-show-errors", f"s3://{bucket}/tree", tmp_path / "back")
    expect_same(tree, tmp_path / "back")
    client.does("sync in both directions, a second one moves nothing")
    s3("mv", "--only-show-errors", "--recursive", f"s3://{bucket}/tree", f"s3://{bucket}/moved")
    assert len(s3("ls", "--recursive", f"s3://{bucket}/moved").splitlines()) == len(files(tree))
    s3("rm", "--only-show-errors", "--recursive", f"s3://{bucket}/")
    client.does("copies inside the server, removal of trees")


@pytest.mark.client("s3cmd")
def test_s3cmd(client, server, bucket, tree, tmp_path):
    client.version(client.run(program("s3cmd"), "--version").split()[-1])
    flags = [
        "--config=/dev/null", f"--access_key={topology.ACCESS_KEY}", f"--secret_key={topology.SECRET_KEY}", "--no-ssl",
        f"--host={server.address}", f"--host-bucket={server.address}", f"--region={topology.REGION}", "--no-progress",
        "--multipart-chunk-size-mb=5",
    ]

    def s3cmd(*arguments, **more):
        return client.run(program("s3cmd"), *flags, *arguments, **more)

    s3cmd("sync", f"{tree}/", f"s3://{bucket}/tree/")
    s3cmd("sync", f"s3://{bucket}/tree/", f"{tmp_path}/back/")
    expect_same(tree, tmp_path / "back")
    client.does("sync in both directions, multipart with Expect: 100-continue")
    s3cmd("cp", f"s3://{bucket}/tree/a.txt", f"s3://{bucket}/copy.txt")
    s3cmd("modify", "--add-header=x-amz-meta-color:red", f"s3://{bucket}/copy.txt")
    assert "red" in s3cmd("info", f"s3://{bucket}/copy.txt")
    client.does("metadata changed by a copy onto itself")
    said = s3cmd("put", tree / "large.bin", "s3://no-such-bucket-of-s3cmd/large.bin", fails=True)
    assert "NoSuchBucket" in said and "pipe" not in said.lower(), said
    client.does("early refusals are told without a broken pipe")


@pytest.mark.client("rclone")
def test_rclone(client, environment, bucket, tree, tmp_path):
    rclone = program("rclone")
    client.version(client.run(rclone, "version").split()[1])
    remote = f":s3,provider=Other,env_auth=true,endpoint='{environment['AWS_ENDPOINT_URL']}',region={topology.REGION}:{bucket}"

    def run(*arguments):
        return client.run(rclone, *arguments, "--config", "/dev/null", "--s3-chunk-size", "5M", "--s3-upload-cutoff", "5M", environment=environment)

    run("sync", tree, f"{remote}/tree")
    run("check", "--download", tree, f"{remote}/tree")
    run("sync", f"{remote}/tree", tmp_path / "back")
    expect_same(tree, tmp_path / "back")
    client.does("sync and check in both directions")
    for path in tree.rglob("*.txt"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    run("sync", tree, f"{remote}/tree")
    run("check", "--download", tree, f"{remote}/tree")
    assert "2020-09-13" in run("lsl", f"{remote}/tree/a.txt")
    client.does("new modification times by copies onto themselves, bytes kept")
    run("move", f"{remote}/tree/many", f"{remote}/elsewhere")
    assert len(run("lsf", f"{remote}/elsewhere").split()) == 200
    run("purge", f"{remote}/tree")
    client.does("moves inside the server")


@pytest.mark.client("s5cmd")
def test_s5cmd(client, environment, bucket, tree, tmp_path):
    s5cmd = program("s5cmd")
    client.version(pinned("tools/go.mod", r"peak/s5cmd/v2 v(\S+)"))
    settings = environment | {"S3_ENDPOINT_URL": environment["AWS_ENDPOINT_URL"]}

    def run(*arguments):
        return client.run(s5cmd, "--numworkers", "256", *arguments, environment=settings)

    run("cp", f"{tree}/", f"s3://{bucket}/tree/")
    run("cp", f"s3://{bucket}/tree/*", f"{tmp_path}/back/")
    expect_same(tree, tmp_path / "back")
    client.does("hundreds of requests at once")
    assert run("sync", "--size-only", f"{tree}/", f"s3://{bucket}/tree/") == ""
    run("cp", f"s3://{bucket}/tree/*", f"s3://{bucket}/copy/")
    run("rm", f"s3://{bucket}/tree/*")
    client.does("sync by comparison of listings, copies and removal by pattern")


@pytest.mark.client("restic")
def test_restic(client, environment, bucket, tree, tmp_path):
    restic = program("restic")
    client.version(client.run(restic, "version").split()[1])
    repository = f"s3:{environment['AWS_ENDPOINT_URL']}/{bucket}/backup"
    settings = environment | {"RESTIC_REPOSITORY": repository, "RESTIC_PASSWORD": "test", "RESTIC_CACHE_DIR": str(tmp_path / "cache")}

    def run(*arguments):
        return client.run(restic, *arguments, environment=settings)

    run("init")
    run("backup", tree)
    (tree / "a.txt").write_text("changed")
    run("backup", tree)
    run("check", "--read-data")
    run("restore", "latest", "--target", tmp_path / "back")
    expect_same(tree, pathlib.Path(f"{tmp_path}/back{tree}"))
    client.does("backup, restore and a check of every byte")
    run("forget", "--keep-last", "1", "--prune")
    run("check", "--read-data")
    client.does("removal of old backups")


@pytest.mark.client("s3fs")
def test_s3fs(client, server, bucket, tmp_path):
    s3fs = program("s3fs")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("this machine cannot mount")
    client.version(client.run(s3fs, "--version").split("V")[1].split()[0])
    secret, mount = tmp_path / "passwd", tmp_path / "mount"
    secret.write_text(f"{topology.ACCESS_KEY}:{topology.SECRET_KEY}")
    secret.chmod(0o600)
    mount.mkdir()
    options = f"passwd_file={secret},url={server.endpoint},use_path_request_style,endpoint={topology.REGION}"
    client.run(s3fs, bucket, mount, "-o", options)
    try:
        topology.wait_until(lambda: os.path.ismount(mount), "s3fs mounts")
        (mount / "folder").mkdir()
        (mount / "folder" / "file").write_bytes(b"x" * 6 * MIB)
        os.chmod(mount / "folder" / "file", 0o640)
        os.rename(mount / "folder" / "file", mount / "renamed")
        assert (mount / "renamed").read_bytes() == b"x" * 6 * MIB
        assert (mount / "renamed").stat().st_mode & 0o777 == 0o640
        assert os.listdir(mount / "folder") == []
    finally:
        subprocess.run([shutil.which("fusermount") or "umount", *(["-u"] if shutil.which("fusermount") else []), mount], check=True)
    client.does("folders, modes by copies onto themselves, renames")
