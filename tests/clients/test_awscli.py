"""aws-cli with default settings: what a newcomer types."""

import os
import urllib.request

from conftest import sha256

FILES = 5000 if os.environ.get("FULL") else 1000

# Files as old as those of a checkout: aws-cli sends a file again that is as new as its upload.
OLD = 1_700_000_000


def tree(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def make_tree(root):
    """Like a source tree: many small files in nested folders, some with unusual names."""
    for number in range(FILES):
        folder = root / f"module{number % 23}" / f"part{number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file{number}.rs").write_text(f"// file {number}\n" * (number % 50))
    odd = root / "odd names"
    odd.mkdir()
    for name in ["a b.txt", "plus+and&.txt", "ünïcödé.txt", "percent%20.txt", "quote'.txt", "hash#.txt", "=.txt"]:
        (odd / name).write_text(name)
    for path in root.rglob("*"):
        os.utime(path, (OLD, OLD))


def test_a_bucket_is_made_listed_and_removed(aws):
    aws("s3", "mb", "s3://cli-made")
    assert "cli-made" in aws("s3", "ls")
    aws("s3", "rb", "s3://cli-made")
    assert "cli-made" not in aws("s3", "ls")


def test_a_large_file_comes_back_the_same(aws, bucket, large_file, tmp_path):
    aws("s3", "cp", "--no-progress", large_file, f"s3://{bucket}/large.bin")
    aws("s3", "cp", "--no-progress", f"s3://{bucket}/large.bin", tmp_path / "back.bin")
    assert sha256(tmp_path / "back.bin") == sha256(large_file)


def test_a_tree_is_synchronised_listed_and_removed(aws, bucket, tmp_path):
    source, back = tmp_path / "source", tmp_path / "back"
    source.mkdir()
    make_tree(source)
    aws("s3", "sync", "--no-progress", source, f"s3://{bucket}/tree")
    listed = aws("s3", "ls", "--recursive", f"s3://{bucket}/tree/").splitlines()
    assert len(listed) == len(tree(source))
    assert aws("s3", "sync", "--no-progress", source, f"s3://{bucket}/tree") == "", "nothing changed, nothing moves"
    aws("s3", "sync", "--no-progress", f"s3://{bucket}/tree", back)
    assert tree(back) == tree(source)
    assert "PRE tree/" in aws("s3", "ls", f"s3://{bucket}/")
    aws("s3", "rm", "--recursive", "--quiet", f"s3://{bucket}/")
    assert aws("s3", "ls", "--recursive", f"s3://{bucket}/") == ""


def test_standard_input_goes_up_and_comes_down(aws, bucket):
    aws("s3", "cp", "-", f"s3://{bucket}/hello.txt", stdin=b"hello\n")
    assert aws("s3", "cp", f"s3://{bucket}/hello.txt", "-") == "hello\n"


def test_a_presigned_url_works_for_those_without_keys(aws, bucket):
    aws("s3", "cp", "-", f"s3://{bucket}/a key+with signs", stdin=b"shared")
    url = aws("s3", "presign", f"s3://{bucket}/a key+with signs", "--expires-in", "60").strip()
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"shared"


def test_objects_are_copied_and_moved_inside_the_server(aws, bucket, tmp_path):
    file = tmp_path / "parts.bin"
    file.write_bytes(bytes(range(256)) * 64 * 1024)
    aws("s3", "cp", "--no-progress", file, f"s3://{bucket}/one")
    aws("s3", "cp", "--no-progress", f"s3://{bucket}/one", f"s3://{bucket}/two")
    aws("s3", "mv", "--no-progress", f"s3://{bucket}/two", f"s3://{bucket}/three")
    names = [line.split()[-1] for line in aws("s3", "ls", f"s3://{bucket}/").splitlines()]
    assert names == ["one", "three"]
    aws("s3", "cp", "--no-progress", f"s3://{bucket}/three", tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == file.read_bytes()


def test_errors_are_told_by_their_code(aws):
    assert "NoSuchBucket" in aws("s3", "ls", "s3://no-such-bucket-anywhere", fails=True)
