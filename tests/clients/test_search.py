"""Search over a bucket, by signed requests as any client could make them."""

import json
import pathlib
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from conftest import client_at

import topology


@pytest.fixture(params=["serve", "cluster"])
def searched(request, tmp_path):
    running = getattr(topology, request.param)(tmp_path)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def s3(searched):
    return client_at(searched.endpoint)


def switch(server, bucket, state):
    command = [topology.program(), "admin", "bucket", "search", bucket, state, "--console-address", server.console]
    return subprocess.run(command, env=topology.environment(), capture_output=True, text=True)


def ask(server, bucket, method="GET", **parameters):
    """Status and body of a search."""
    names = {name.replace("_", "-"): value for name, value in parameters.items()}
    url = f"{server.endpoint}/{bucket}?search=&" + urllib.parse.urlencode(names, doseq=True, quote_via=urllib.parse.quote)
    request = botocore.awsrequest.AWSRequest(method=method, url=url)
    pair = botocore.credentials.Credentials(topology.ACCESS_KEY, topology.SECRET_KEY)
    botocore.auth.S3SigV4Auth(pair, "s3", topology.REGION).add_auth(request)
    prepared = urllib.request.Request(url, method=method, headers=dict(request.headers))
    try:
        with urllib.request.urlopen(prepared, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def search(server, bucket, **parameters):
    status, body = ask(server, bucket, format="json", **parameters)
    assert status == 200, body
    return json.loads(body)


def keys(server, bucket, **parameters):
    return sorted(found["key"] for found in search(server, bucket, **parameters)["objects"])


def settle(server, bucket):
    """Waits until the index has seen everything."""

    def is_settled():
        status, body = ask(server, bucket, format="json")
        index = json.loads(body)["index"] if status == 200 else None
        return index is not None and index["complete"] and index["pending"] == 0

    topology.wait_until(is_settled, "the index has seen everything")


def fill(s3, bucket="photos"):
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="2025/Holiday/IMG_1.jpg", Body=b"x" * 100, Metadata={"Camera": "one"})
    s3.put_object(Bucket=bucket, Key="2025/Holiday/IMG_2.jpg", Body=b"x" * 2000, Tagging="class=best&year=2025")
    s3.put_object(Bucket=bucket, Key="2026/notes & more.txt", Body=b"x", Tagging="class=best")
    return bucket


def test_objects_are_found_by_all_that_is_known_of_them(searched, s3):
    bucket = fill(s3)
    assert switch(searched, bucket, "on").returncode == 0
    settle(searched, bucket)
    assert keys(searched, bucket, q="img_") == ["2025/Holiday/IMG_1.jpg", "2025/Holiday/IMG_2.jpg"]
    assert keys(searched, bucket, q="S & m") == ["2026/notes & more.txt"]
    assert keys(searched, bucket, prefix="2025/", q="2") == ["2025/Holiday/IMG_1.jpg", "2025/Holiday/IMG_2.jpg"]
    assert keys(searched, bucket, min_size=100, max_size=100) == ["2025/Holiday/IMG_1.jpg"]
    assert keys(searched, bucket, tag="class=best") == ["2025/Holiday/IMG_2.jpg", "2026/notes & more.txt"]
    assert keys(searched, bucket, tag=["class=best", "year=2025"]) == ["2025/Holiday/IMG_2.jpg"]
    assert keys(searched, bucket, metadata="CAMERA=one") == ["2025/Holiday/IMG_1.jpg"]
    assert len(keys(searched, bucket, modified_after="2020-01-01T00:00:00Z")) == 3
    assert keys(searched, bucket, modified_before="2020-01-01T00:00:00Z") == []
    assert keys(searched, bucket, q="nothing like it") == []
    status, body = ask(searched, bucket, q="notes")
    document = xml.etree.ElementTree.fromstring(body)
    space = {"s3": document.tag[1:].split("}")[0]}
    assert status == 200 and document.findtext("s3:Contents/s3:Key", None, space) == "2026/notes & more.txt"
    assert document.findtext("s3:Index/s3:Complete", None, space) == "true"


def test_the_index_follows_changes_and_outlives_kill_9(searched, s3):
    bucket = fill(s3)
    assert switch(searched, bucket, "on").returncode == 0
    settle(searched, bucket)
    s3.put_object(Bucket=bucket, Key="new", Body=b"")
    s3.delete_object(Bucket=bucket, Key="2025/Holiday/IMG_1.jpg")
    s3.put_object_tagging(Bucket=bucket, Key="2026/notes & more.txt", Tagging={"TagSet": []})
    topology.wait_until(lambda: keys(searched, bucket, q="new") == ["new"], "the new key is found")
    settle(searched, bucket)
    assert keys(searched, bucket) == ["2025/Holiday/IMG_2.jpg", "2026/notes & more.txt", "new"]
    assert keys(searched, bucket, tag="class=best") == ["2025/Holiday/IMG_2.jpg"]
    s3.put_object(Bucket=bucket, Key="last", Body=b"")
    s3.delete_object(Bucket=bucket, Key="new")
    searched.front.kill()
    searched.start_front()
    settle(searched, bucket)
    assert keys(searched, bucket) == ["2025/Holiday/IMG_2.jpg", "2026/notes & more.txt", "last"]


def test_an_index_that_is_lost_is_built_anew(searched, s3):
    bucket = fill(s3)
    assert switch(searched, bucket, "on").returncode == 0
    settle(searched, bucket)
    indexes = list(pathlib.Path(searched.folder).glob("**/search/*.db"))
    assert len(indexes) == 1
    searched.front.kill()
    indexes[0].write_bytes(b"not a database" * 1000)
    searched.start_front()
    settle(searched, bucket)
    assert len(keys(searched, bucket, q="img")) == 2
    assert switch(searched, bucket, "off").returncode == 0
    topology.wait_until(lambda: not indexes[0].exists(), "the index is removed")
    status, body = ask(searched, bucket, q="img")
    assert status == 400 and "<Code>InvalidRequest</Code>" in body


def test_pages_join_to_the_whole(searched, s3):
    s3.create_bucket(Bucket="many")
    assert switch(searched, "many", "on").returncode == 0
    for number in range(25):
        s3.put_object(Bucket="many", Key=f"key-{number:02}", Body=b"")
    settle(searched, "many")
    found, token = [], {}
    while True:
        page = search(searched, "many", q="key-", max_keys=10, **token)
        found += [entry["key"] for entry in page["objects"]]
        if page["next_continuation_token"] is None:
            break
        token = {"continuation_token": page["next_continuation_token"]}
        s3.put_object(Bucket="many", Key=found[0], Body=b"again")
    assert sorted(found) == [f"key-{number:02}" for number in range(25)] and len(set(found)) == 25


def test_what_makes_no_sense_is_refused(searched, s3):
    bucket = fill(s3)
    status, body = ask(searched, bucket, q="img")
    assert status == 400 and "holdfast admin bucket search" in body
    assert switch(searched, bucket, "on").returncode == 0
    settle(searched, bucket)
    wrong = [
        {"min_size": "x"},
        {"modified_after": "yesterday"},
        {"tag": "class"},
        {"metadata": "=x"},
        {"max_keys": "-1"},
        {"continuation_token": "AAAA"},
        {"q": "x" * 1025},
    ]
    for parameters in wrong:
        status, body = ask(searched, bucket, **parameters)
        assert (status, "<Code>InvalidArgument</Code>" in body) == (400, True), (parameters, body)
    assert ask(searched, "no-such-bucket", q="img")[0] == 404
    assert ask(searched, bucket, method="DELETE", q="img")[0] == 405
    assert "no bucket" in switch(searched, "no-such-bucket", "on").stderr
