"""The admin API and its client, against one process and against a cluster."""

import base64
import http.client
import json

import topology
from conftest import client_at


def ask(server, method, path, body=None, pair=f"{topology.ACCESS_KEY}:{topology.SECRET_KEY}", kind="application/json"):
    """Status, headers and body of one request to the console address."""
    connection = http.client.HTTPConnection(server.console, timeout=60)
    headers = {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()} if pair else {}
    if kind and body is not None:
        headers["content-type"] = kind
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    return answer.status, answer.headers, json.loads(said) if said else None


def test_nothing_under_api_is_for_nobody(server):
    for path in ["/api/v1/status", "/api/v1/drives", "/api/v1/nothing"]:
        for pair, scheme in [(None, "Session"), (f"{topology.ACCESS_KEY}:wrong", "Basic")]:
            status, headers, said = ask(server, "GET", path, pair=pair)
            assert status == 401 and headers["www-authenticate"].startswith(scheme) and "secret key" in said["error"]
    assert ask(server, "GET", "/api/v1/status")[0] == 200
    assert ask(server, "GET", "/api/v1/nothing")[0] == 404
    status, headers, _ = ask(server, "DELETE", "/api/v1/drives")
    assert status == 405 and headers["allow"] == "GET, HEAD, POST"


def test_a_page_of_another_site_cannot_change_anything(server):
    for kind in [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]:
        status, headers, said = ask(server, "POST", "/api/v1/rebalance", body='{"dry_run": true}', kind=kind)
        assert status == 415 and "application/json" in said["error"]
        assert not any(name.lower().startswith("access-control-") for name in headers)
    assert ask(server, "OPTIONS", "/api/v1/rebalance")[0] == 405


def test_a_body_that_is_too_long_or_not_understood_is_refused(server):
    assert ask(server, "POST", "/api/v1/drives", body=" " * (64 * 1024 + 1))[0] == 413
    for body in ["", "{", '{"place": "d"}', '{"location": "d", "dryrun": true}']:
        status, _, said = ask(server, "POST", "/api/v1/drives", body=body)
        assert status == 400 and said["error"], body
    assert ask(server, "POST", "/api/v1/drives/x/drain", body="{}")[0] == 400
    assert ask(server, "POST", "/api/v1/drives/0/replace", body="{}")[0] == 400


def statuses_agree(server):
    """Whether the command says what the API says: background work may change it in between."""
    looks = [ask(server, "GET", "/api/v1/status")[2], json.loads(server.admin("status", "--json"))]
    in_api, said = [look | {"uptime_seconds": 0} for look in looks]
    return in_api == said


def test_status_finds_the_server_of_the_folder(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="key", Body=b"x" * 100_000)
    said = server.admin("status")
    assert "full redundancy: 4 of 4 drives up, any 2 may fail" in said
    assert "\x1b" not in said, "no colours in a pipe"
    topology.wait_until(lambda: statuses_agree(server), "the command says what the API says")
    assert len(json.loads(server.admin("drive", "list", "--json"))["drives"]) == 4
    table = server.admin("drive", "list").splitlines()
    assert table[0].split()[:2] == ["SLOT", "STATE"] and [row.split()[0] for row in table[1:]] == ["0", "1", "2", "3"]


def test_the_client_says_in_one_sentence_what_is_wrong(server):
    free = f"127.0.0.1:{topology.free_port()}"
    said = server.admin("status", "--console-address", free, fails=True)
    assert said.startswith("holdfast: no server answers at") and free in said and len(said.splitlines()) == 1
    said = server.admin("status", "--root-access-key", "other", "--root-secret-key", "not-the-secret", fails=True)
    assert "does not know this pair" in said
    said = server.admin("status", "--console-address", server.address, fails=True)
    assert "console address" in said, "S3's address is no console"
    said = server.admin("drive", "replace", "77", "nowhere", "--dry-run", fails=True)
    assert said.startswith("holdfast: ") and len(said.splitlines()) == 1


def test_a_drive_joins_and_another_leaves(tmp_path):
    server = topology.serve(tmp_path)
    server.start()
    try:
        s3 = client_at(server.endpoint)
        s3.create_bucket(Bucket="bucket")
        for number in range(120):
            s3.put_object(Bucket="bucket", Key=str(number), Body=b"x" * 20_000)
        before = server.admin("drive", "list", "--json")
        planned = server.admin("drive", "add", "drive5", "--dry-run")
        assert "Nothing was changed" in planned and len(json.loads(before)["drives"]) == 4
        assert len(json.loads(server.admin("drive", "list", "--json"))["drives"]) == 4
        assert server.admin("drive", "add", "drive5", "--wait").endswith("Done.\n")
        said = server.admin("status")
        assert "5 of 5 drives up, any 2 may fail" in said, "a stripe is not safer for more drives"
        assert server.admin("drive", "drain", "1", "--wait").endswith("Done.\n")
        slots = [drive["slot"] for drive in json.loads(server.admin("drive", "list", "--json"))["drives"]]
        assert slots == [0, 2, 3, 4], "what is drained is let go, and only then the wait ends"
        assert "No object is at risk" in server.admin("risk")
        for number in range(120):
            assert s3.get_object(Bucket="bucket", Key=str(number))["Body"].read() == b"x" * 20_000
    finally:
        server.stop()


def test_a_bucket_is_given_another_parity(tmp_path):
    server = topology.serve(tmp_path)
    server.start()
    try:
        s3 = client_at(server.endpoint)
        s3.create_bucket(Bucket="photos")
        bodies = {"tiny": b"t" * 100, "small": b"s" * 50_000, "large": b"l" * 3_000_000}
        for key, body in bodies.items():
            s3.put_object(Bucket="photos", Key=key, Body=body)
        before = s3.list_objects_v2(Bucket="photos")["Contents"]
        assert "2+2 (default)" in server.admin("bucket", "list")
        planned = server.admin("bucket", "parity", "photos", "3+1", "--dry-run")
        assert "Nothing was changed" in planned and "durable before" in planned and "any 1 drive may fail" in planned
        assert "any 2 may fail" in server.admin("status")
        assert server.admin("bucket", "parity", "photos", "3+1", "--wait").endswith("Done.\n")
        bucket, = json.loads(server.admin("bucket", "list", "--json"))["buckets"]
        assert (bucket["data_shards"], bucket["parity_shards"], bucket["own_parity"]) == (3, 1, True)
        assert bucket["to_recode"] == {"objects": 0, "bytes": 0}
        assert s3.list_objects_v2(Bucket="photos")["Contents"] == before, "tags and times are the same"
        for key, body in bodies.items():
            assert s3.get_object(Bucket="photos", Key=key)["Body"].read() == body
        assert "any 1 may fail" in server.admin("status")
        for parity, word in [("1+3", "metadata"), ("4+1", "5 drives"), ("4+0", "no parity"), ("many", "such as 4+2")]:
            said = server.admin("bucket", "parity", "photos", parity, fails=True)
            assert said.startswith("holdfast: ") and word in said and len(said.splitlines()) == 1, said
        assert "no bucket nothing" in server.admin("bucket", "parity", "nothing", "3+1", fails=True)
        path = "/api/v1/buckets/photos/parity"
        assert ask(server, "POST", path, body='{"parity": "1+3"}')[0] == 409
        assert ask(server, "POST", path, body='{"parity": "many"}')[0] == 400
        assert ask(server, "POST", "/api/v1/buckets/nothing/parity", body='{"parity": "3+1"}')[0] == 404
    finally:
        server.stop()
