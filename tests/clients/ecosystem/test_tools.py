"""Tools that people move and back up files with."""

import contextlib
import filecmp
import json
import os
import pathlib
import shutil
import subprocess
import urllib.request

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


@pytest.mark.client("aws-cli v2")
def test_aws_cli_v2(client, environment, bucket, tree, tmp_path):
    aws = program("aws2")
    client.version(client.run(aws, "--version", environment=environment).split()[0].removeprefix("aws-cli/"))

    def run(*arguments, **more):
        return client.run(aws, *arguments, environment=environment, **more)

    def s3(*arguments, **more):
        return run("s3", *arguments, **more)

    def head(key, *more):
        return json.loads(run("s3api", "head-object", "--bucket", bucket, "--key", key, "--checksum-mode", "ENABLED", *more))

    s3("sync", "--only-show-errors", tree, f"s3://{bucket}/tree")
    assert s3("sync", "--only-show-errors", "--delete", tree, f"s3://{bucket}/tree") == ""
    (tree / "a.txt").write_text("longer than before")
    (tree / "empty").unlink()
    assert len(s3("sync", "--no-progress", "--delete", tree, f"s3://{bucket}/tree").splitlines()) == 2
    s3("sync", "--only-show-errors", f"s3://{bucket}/tree", tmp_path / "back")
    expect_same(tree, tmp_path / "back")
    client.does("sync in both directions, which moves and removes what differs alone")
    assert "-" not in head("tree/a.txt")["ETag"] and head("tree/a.txt")["ChecksumCRC64NVME"]
    client.does("its default checksum, in a trailer")
    large = head("tree/large.bin")
    assert large["ETag"].endswith('-2"') and large["ChecksumType"] == "FULL_OBJECT"
    client.does("multipart upload with a checksum of the whole")
    described = ["--metadata", "color=red", "--content-type", "x/y", "--storage-class", "STANDARD"]
    s3("cp", "--only-show-errors", *described, tree / "large.bin", f"s3://{bucket}/described")
    run("s3api", "put-object-tagging", "--bucket", bucket, "--key", "described", "--tagging", "TagSet=[{Key=a,Value=b c}]")
    s3("cp", "--only-show-errors", f"s3://{bucket}/described", f"s3://{bucket}/copy")
    copy = head("copy")
    assert (copy["Metadata"], copy["ContentType"], copy["ETag"]) == ({"color": "red"}, "x/y", large["ETag"])
    tags = json.loads(run("s3api", "get-object-tagging", "--bucket", bucket, "--key", "copy"))
    assert tags["TagSet"] == [{"Key": "a", "Value": "b c"}]
    client.does("copies in parts, with metadata and tags")
    url = s3("presign", f"s3://{bucket}/tree/deep/er/b+c d&e.bin").strip()
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == (tree / "deep/er/b+c d&e.bin").read_bytes()
    client.does("presigned URLs")
    s3("cp", "--only-show-errors", "-", f"s3://{bucket}/stream", stdin=b"x" * (9 * MIB))
    assert head("stream")["ContentLength"] == 9 * MIB
    client.does("uploads from standard input")
    s3("mv", "--only-show-errors", "--recursive", f"s3://{bucket}/tree", f"s3://{bucket}/moved")
    assert len(s3("ls", "--recursive", f"s3://{bucket}/moved").splitlines()) == len(files(tree))
    s3("rb", "--force", f"s3://{bucket}")
    assert bucket not in s3("ls")
    client.does("moves, listings, removal of a bucket with all in it")


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


@pytest.fixture
def mounted(client, server, bucket, tmp_path):
    """Mounts the bucket by s3fs, as often as it is asked; what is mounted in the end is unmounted."""
    s3fs, mount, secret = program("s3fs"), tmp_path / "mount", tmp_path / "passwd"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("this machine cannot mount")
    secret.touch(mode=0o600)
    secret.write_text(f"{topology.ACCESS_KEY}:{topology.SECRET_KEY}")
    mount.mkdir()
    options = f"passwd_file={secret},url={server.endpoint},use_path_request_style,endpoint={topology.REGION},multipart_size=5"

    @contextlib.contextmanager
    def mounted():
        client.run(s3fs, bucket, mount, "-o", options)
        try:
            topology.wait_until(lambda: os.path.ismount(mount), "s3fs mounts")
            yield mount
        finally:
            unmount(mount)

    yield mounted
    unmount(mount)


def unmount(folder):
    """Also where a test broke off with a file open, or the daemon has gone."""
    fusermount = shutil.which("fusermount3") or shutil.which("fusermount")
    plain = [fusermount, "-u", folder] if fusermount else ["umount", folder]
    lazy = [fusermount, "-u", "-z", folder] if fusermount else ["umount", "-l", folder]
    with open("/proc/mounts") as mounts:
        is_mounted = f" {folder} " in mounts.read()
    if is_mounted and subprocess.run(plain, capture_output=True).returncode != 0:
        subprocess.run(lazy, check=True)


@pytest.mark.client("s3fs")
def test_s3fs(client, s3, bucket, mounted):
    client.version(client.run(program("s3fs"), "--version").split("V")[1].split()[0])
    content = os.urandom(12 * MIB)
    with mounted() as mount:
        (mount / "folder" / "below").mkdir(parents=True)
        (mount / "folder" / "file").write_bytes(content)
        (mount / "folder" / "small").write_text("first")
        with open(mount / "folder" / "small", "a") as small:
            small.write(", second")
        os.chmod(mount / "folder" / "file", 0o640)
        os.utime(mount / "folder" / "file", (1_600_000_000, 1_600_000_000))
        os.rename(mount / "folder" / "file", mount / "renamed")
        os.rename(mount / "folder" / "below", mount / "moved")
        with open(mount / "renamed", "r+b") as file:
            file.seek(6 * MIB)
            file.write(b"patched")
    patched = content[: 6 * MIB] + b"patched" + content[6 * MIB + 7 :]
    client.does("folders, files, renames of both, modes and times by copies onto themselves, a change in the middle of a file")
    assert s3.get_object(Bucket=bucket, Key="renamed")["Body"].read() == patched
    s3.put_object(Bucket=bucket, Key="by/another/client", Body=b"seen")
    with mounted() as mount:
        assert sorted(os.listdir(mount)) == ["by", "folder", "moved", "renamed"]
        assert os.listdir(mount / "folder") == ["small"]
        assert (mount / "folder" / "small").read_text() == "first, second"
        assert (mount / "renamed").read_bytes() == patched
        assert (mount / "renamed").stat().st_mode & 0o777 == 0o640
        assert (mount / "by" / "another" / "client").read_text() == "seen"
        shutil.rmtree(mount / "folder")
        (mount / "renamed").unlink()
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["by/another/client", "moved/"]
    client.does("all of it there after another mount, beside what other clients made; removal of trees")
