"""What the console's address has beside S3 and IAM: links, archives, places of shards, requests of late and why some were denied."""

import http.client
import io
import json
import os
import urllib.error
import urllib.parse
import urllib.request
import zipfile

import pytest
import topology
from console import Browser, signed_in
from test_iam import allow, deny, fresh, policy, root, user  # noqa: F401


@pytest.fixture
def browser(server):
    return signed_in(server)


def fetch(url, method="GET", body=None):
    """Status, headers and body of what somebody without a key gets."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method, data=body), timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, refused.read()


def test_a_link_lets_anybody_do_one_thing(s3, browser, bucket):
    key = "dir/a b&c é.txt"
    s3.put_object(Bucket=bucket, Key=key, Body=b"shared")
    asked = {"method": "GET", "bucket": bucket, "key": key, "expires_seconds": 60, "response_content_disposition": 'attachment; filename="x y"'}
    link = browser.ask("POST", "/api/v1/presign", asked).json
    status, headers, body = fetch(link["url"])
    assert (status, body, headers["content-disposition"]) == (200, b"shared", 'attachment; filename="x y"')
    assert fetch(link["url"], "PUT", b"")[0] == 403 and link["expires"].endswith("Z")
    link = browser.ask("POST", "/api/v1/presign", asked | {"method": "PUT", "key": "new", "response_content_disposition": None}).json
    assert fetch(link["url"], "PUT", b"stored")[0] == 200
    assert s3.get_object(Bucket=bucket, Key="new")["Body"].read() == b"stored"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="v", Body=b"1")["VersionId"]
    s3.put_object(Bucket=bucket, Key="v", Body=b"2")
    link = browser.ask("POST", "/api/v1/presign", {"method": "GET", "bucket": bucket, "key": "v", "version_id": version, "expires_seconds": 60}).json
    assert fetch(link["url"])[2] == b"1"


def test_a_link_is_no_more_than_who_made_it(server, root, bucket):
    root.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    name, anna = user(root)
    browser = signed_in(server, anna.access_key, anna.secret_key)
    asked = {"method": "GET", "bucket": bucket, "key": "k", "expires_seconds": 60}
    link = browser.ask("POST", "/api/v1/presign", asked).json["url"]
    assert fetch(link)[0] == 403
    root.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(allow("s3:GetObject")))
    assert fetch(link)[0] == 200
    root.iam.delete_access_key(UserName=name, AccessKeyId=anna.access_key)
    assert fetch(link)[0] == 403


def test_links_are_bounded(browser):
    good = {"method": "GET", "bucket": "bucket", "key": "k", "expires_seconds": 60}
    for bad in [{"expires_seconds": 0}, {"expires_seconds": 604801}, {"bucket": "B"}, {"key": ""}, {"method": "DELETE"}, {"more": 1}]:
        assert browser.ask("POST", "/api/v1/presign", good | bad).status == 400, bad


def archive(browser, bucket, csrf=None, **fields):
    pairs = [("csrf", browser.session["csrf"] if csrf is None else csrf), ("bucket", bucket)]
    for name, values in fields.items():
        pairs += [(name, value) for value in ([values] if isinstance(values, str) else values)]
    form = {"content-type": "application/x-www-form-urlencoded"}
    return browser.ask("POST", "/api/v1/zip", urllib.parse.urlencode(pairs), form, csrf=False)


def test_many_objects_come_as_one_archive(s3, browser, bucket):
    large = os.urandom(3 << 20)
    bodies = {"in/a.txt": b"a", "in/deep/b é.bin": large, "in/empty": b"", "in/deep/": b"", "out/c": b"c", "in/../../evil": b"e"}
    for key, body in bodies.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    answer = archive(browser, bucket, prefix="in/", folder="in/", key=["out/c"])
    assert answer.status == 200 and answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="in.zip"')
    with zipfile.ZipFile(io.BytesIO(answer.body)) as packed:
        assert packed.testzip() is None
        names = {"a.txt": b"a", "deep/b é.bin": large, "empty": b"", "deep/": b"", "out/c": b"c", "__/__/evil": b"e"}
        assert {entry.filename: packed.read(entry) for entry in packed.infolist()} == names
        assert all(entry.date_time[0] >= 2024 for entry in packed.infolist())


def test_an_archive_of_many_small_objects_is_whole(s3, browser, bucket):
    upload = browser.s3
    for number in range(300):
        assert upload("PUT", f"/{bucket}/many/{number:04}", str(number).encode()).status == 200
    with zipfile.ZipFile(io.BytesIO(archive(browser, bucket, folder="many/").body)) as packed:
        assert [packed.read(name) for name in sorted(packed.namelist())] == [str(number).encode() for number in range(300)]


def test_an_archive_is_larger_than_what_its_making_holds(running):
    """Bounded memory: 300 MB of objects, with the server's memory looked at while a slow client reads."""
    browser = signed_in(running)
    browser.s3("PUT", "/large")
    block = os.urandom(30 << 20)
    for number in range(10):
        assert browser.s3("PUT", f"/large/{number}", block).status == 200
    before = running.metric("process_resident_memory_bytes")
    connection = http.client.HTTPConnection(running.console, timeout=120)
    form = urllib.parse.urlencode({"csrf": browser.session["csrf"], "bucket": "large", "folder": ""})
    headers = {"cookie": f"holdfast_session={browser.cookie}", "content-type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/api/v1/zip", form, headers)
    answer, length, most = connection.getresponse(), 0, 0
    while piece := answer.read(8 << 20):
        length += len(piece)
        most = max(most, running.metric("process_resident_memory_bytes"))
    connection.close()
    assert length > 300 << 20 and most - before < 100 << 20, (length, most - before)


def test_an_archive_says_what_it_lacks(server, root, bucket):
    for key in ["open/a", "open/secret"]:
        root.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    arn = f"arn:aws:s3:::{bucket}"
    _, anna = user(root, allow("s3:*", [arn, f"{arn}/*"]), deny("s3:GetObject", f"{arn}/open/secret"))
    browser = signed_in(server, anna.access_key, anna.secret_key)
    with zipfile.ZipFile(io.BytesIO(archive(browser, bucket, folder="open/", key="gone").body)) as packed:
        assert packed.namelist() == ["open/a", "NOT-IN-THIS-ARCHIVE.txt"]
        told = packed.read("NOT-IN-THIS-ARCHIVE.txt").decode()
        assert 'NoSuchKey: "gone"' in told and 'AccessDenied: "open/secret"' in told
    _, nobody = user(root)
    other = signed_in(server, nobody.access_key, nobody.secret_key)
    assert archive(other, bucket, folder="open/").code == "AccessDenied"


def test_an_archive_is_made_for_the_consoles_own_pages_alone(s3, browser, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    for csrf in ["", "0" * 32]:
        answer = archive(browser, bucket, csrf=csrf, key="k")
        assert (answer.status, answer.code) == (403, "CsrfTokenMissing")
    assert archive(browser, "no-such-bucket", key="k").code == "NoSuchBucket"
    assert archive(browser, bucket).status == 400
    assert browser.ask("GET", "/api/v1/zip").status == 405


def test_the_places_of_an_object_are_told(s3, browser, bucket):
    s3.put_object(Bucket=bucket, Key="tiny", Body=b"t")
    s3.put_object(Bucket=bucket, Key="large é", Body=b"l" * 3_000_000)
    ask = lambda key, more="": browser.ask("GET", f"/api/v1/objects?bucket={bucket}&key={urllib.parse.quote(key)}{more}")  # noqa: E731
    tiny = ask("tiny").json
    assert tiny["in_metadata"] and tiny["size"] == 1 and tiny["shards"] == [] and tiny["margin"] == 2
    large = ask("large é").json
    assert large["scheme"] == {"data": 2, "parity": 2} and large["margin"] == 2 and not large["in_metadata"]
    assert [part["stripes"] for part in large["parts"]] == [3] and large["size"] == 3_000_000
    assert [(shard["drive"], shard["state"]) for shard in large["shards"]] == [(slot, "ok") for slot in range(4)]
    assert ask("nothing").code == "NoSuchKey" and browser.ask("GET", "/api/v1/objects").status == 400


def test_the_places_of_an_object_on_a_drive_that_is_gone(tmp_path):
    server = topology.serve(tmp_path)
    server.start()
    try:
        browser = signed_in(server)
        browser.s3("PUT", "/bucket")
        browser.s3("PUT", "/bucket/k", b"x" * 3_000_000)
        server.front.terminate()
        (tmp_path / "drive2").rename(tmp_path / "gone")
        server.start_front()
        browser = signed_in(server)
        place = browser.ask("GET", "/api/v1/objects?bucket=bucket&key=k").json
        assert place["margin"] == 1 and sorted(shard["state"] for shard in place["shards"]) == ["down", "ok", "ok", "ok"]
    finally:
        server.stop()


def test_usage_is_of_what_the_caller_may_list(server, root, browser, bucket):
    root.s3.put_object(Bucket=bucket, Key="k", Body=b"12345")
    root.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    root.s3.put_object(Bucket=bucket, Key="k", Body=b"123")
    root.s3.delete_object(Bucket=bucket, Key="k")
    own = fresh("other")
    root.s3.create_bucket(Bucket=own, ObjectLockEnabledForBucket=True)
    usage = browser.ask("GET", "/api/v1/usage").json
    assert usage["complete"]
    named = {row["name"]: row for row in usage["buckets"]}
    row = named[bucket]
    assert (row["objects"], row["versions"], row["version_bytes"], row["delete_markers"]) == (0, 2, 8, 1)
    assert row["versioning"] == "enabled" and not row["public"] and not row["object_lock"] and row["quota"] is None
    assert named[own]["object_lock"]
    public = policy({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"})
    root.s3.put_bucket_policy(Bucket=bucket, Policy=public)
    _, anna = user(root, allow("s3:ListBucket", f"arn:aws:s3:::{bucket}"))
    # Others may let everybody list theirs.
    annas = signed_in(server, anna.access_key, anna.secret_key).ask("GET", "/api/v1/usage").json["buckets"]
    assert own not in {row["name"] for row in annas}
    assert [row["public"] for row in annas if row["name"] == bucket] == [True]
    _, lister = user(root, allow("s3:ListAllMyBuckets", "*"), allow("s3:ListBucket", f"arn:aws:s3:::{bucket}"))
    _, reader = user(root, allow("s3:ListAllMyBuckets", "*"), allow("s3:ListBucket", "*"))
    for who, complete in ((anna, False), (lister, False), (reader, True)):
        told = signed_in(server, who.access_key, who.secret_key).ask("GET", "/api/v1/usage").json
        assert told["complete"] == complete


def test_requests_of_late_are_told_and_found(server, s3, browser, bucket):
    start = browser.ask("GET", "/api/v1/requests?limit=1").json["next"]
    stored = s3.put_object(Bucket=bucket, Key="dir/ä", Body=b"12345")["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"]
    s3.get_object(Bucket=bucket, Key="dir/ä")["Body"].read()
    browser.s3("GET", f"/{bucket}/nothing")
    one = browser.ask("GET", f"/api/v1/requests/{stored}").json
    assert (one["method"], one["operation"], one["bucket"], one["key"], one["status"]) == ("PUT", "put_object", bucket, "dir/ä", 200)
    assert one["received"] == 5 and one["took_us"] > 0 and one["address"] == "127.0.0.1" and one["caller"].endswith(":root")
    ask = lambda query: browser.ask("GET", f"/api/v1/requests?after={start}&{query}").json["requests"]  # noqa: E731
    told = ask(f"bucket={bucket}")
    assert [row["operation"] for row in told] == ["put_object", "get_object", "get_object"]
    assert told[1]["sent"] == 5 and told[2]["error_code"] == "NoSuchKey" and [row["seq"] for row in told] == sorted(row["seq"] for row in told)
    assert [row["status"] for row in ask(f"bucket={bucket}&status=404")] == [404] == [row["status"] for row in ask(f"bucket={bucket}&status=4xx")]
    assert [row["request_id"] for row in ask(f"text={stored.lower()}")] == [stored]
    assert len(ask(f"bucket={bucket}&operation=get_object&limit=1")) == 1
    for bad in ["limit=0", "limit=1001", "after=x", "colour=red"]:
        assert browser.ask("GET", f"/api/v1/requests?{bad}").status == 400, bad
    assert browser.ask("GET", "/api/v1/requests/NOSUCH").status == 404


def why(browser, answer):
    """Why a request was denied that answered this."""
    identifier = answer.headers["x-amz-request-id"]
    report = browser.ask("GET", f"/api/v1/requests/{identifier}").json
    assert report["status"] == 403 and report["error_code"] == "AccessDenied"
    return report["why"]


def test_a_denied_request_says_why(server, root, browser, bucket):
    name, anna = user(root, allow("s3:ListBucket", f"arn:aws:s3:::{bucket}"))
    theirs = signed_in(server, anna.access_key, anna.secret_key)
    root.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    arn, account = f"arn:aws:s3:::{bucket}/k", browser.session["account"]["id"]
    told = why(browser, theirs.s3("GET", f"/{bucket}/k"))
    assert told == {
        "decision": "ImplicitDeny", "action": "s3:GetObject", "resource": arn, "deciding": None,
        "missing": f"Allow s3:GetObject on {arn} in a policy of arn:aws:iam::{account}:user/{name}",
    }
    root.iam.put_user_policy(UserName=name, PolicyName="more", PolicyDocument=policy(allow("s3:*"), deny("s3:GetObject")))
    told = why(browser, theirs.s3("GET", f"/{bucket}/k"))
    assert told["decision"] == "ExplicitDeny" and told["deciding"] == {"policy": f"the inline policy more of the user {name}", "statement": "#2"}
    root.iam.delete_user_policy(UserName=name, PolicyName="more")
    document = policy(allow("s3:*"), deny("s3:GetObject") | {"Sid": "NotThat"})
    managed = root.iam.create_policy(PolicyName=fresh("managed"), PolicyDocument=document)["Policy"]["Arn"]
    root.iam.attach_user_policy(UserName=name, PolicyArn=managed)
    assert why(browser, theirs.s3("GET", f"/{bucket}/k"))["deciding"] == {"policy": managed, "statement": "NotThat"}
    root.iam.detach_user_policy(UserName=name, PolicyArn=managed)
    closed = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*", "Sid": "Closed"}
    root.s3.put_bucket_policy(Bucket=bucket, Policy=policy(closed))
    told = why(browser, theirs.s3("GET", f"/{bucket}/k"))
    assert told["deciding"] == {"policy": f"the policy of the bucket {bucket}", "statement": "Closed"}
    root.s3.delete_bucket_policy(Bucket=bucket)


def test_a_denial_of_somebody_without_a_key_says_why(server, s3, browser, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    status, headers, _ = fetch(f"{server.endpoint}/{bucket}/k")
    report = browser.ask("GET", f"/api/v1/requests/{headers['x-amz-request-id']}").json
    assert status == 403 and report["caller"] is None
    assert report["why"]["missing"] == f"Allow s3:GetObject on arn:aws:s3:::{bucket}/k to everybody in the policy of the bucket"


def test_who_may_not_see_requests_does_not(server, root, bucket):
    _, anna = user(root, allow("s3:*"))
    browser = signed_in(server, anna.access_key, anna.secret_key)
    for path in ["requests", "requests/X", "history", "settings"]:
        assert browser.ask("GET", f"/api/v1/{path}").code == "AccessDenied"


def test_settings_are_told_without_secrets(server, browser):
    answer = browser.ask("GET", "/api/v1/settings")
    settings = {row["name"]: row for row in answer.json["settings"]}
    assert settings["address"] == {"name": "address", "value": server.address, "origin": "flag"}
    assert settings["root_secret_key"] == {"name": "root_secret_key", "value": None, "origin": "variable"}
    assert settings["log_level"] == {"name": "log_level", "value": "info", "origin": "default"}
    assert topology.SECRET_KEY not in answer.body.decode() and topology.CLUSTER_SECRET not in answer.body.decode()


def test_history_has_a_point_each_ten_seconds(browser, bucket):
    def points():
        browser.s3("GET", f"/{bucket}/nothing")
        return browser.ask("GET", "/api/v1/history").json["points"]

    topology.wait_until(lambda: any(point["refused"] for point in points()), "a point of the history")
    history = browser.ask("GET", "/api/v1/history").json
    busy = next(point for point in history["points"] if point["refused"])
    assert history["step_seconds"] == 10 and busy["requests"] >= busy["refused"] and busy["p50_ms"] <= busy["p99_ms"]
    assert 0 < busy["used"] <= busy["capacity"]


def test_the_api_describes_itself_to_everybody(server):
    document = Browser(server).ask("GET", "/api/v1/openapi.json").json
    assert document["openapi"].startswith("3.1") and "/api/v1/session" in document["paths"]
    schema = document["components"]["schemas"]["Session"]
    assert set(signed_in(server).session) == set(schema["properties"])
