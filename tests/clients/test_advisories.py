"""One regression test at least for each class of security advisory that S3 servers have had, against the running server.

The table says for each class which tests are its; that they are there is a test itself. What no other file tests stands here.
"""

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import urllib.parse

import pytest
import topology
from console import Browser, signed_in
from test_admin import ask
from test_console_own import fetch
from test_iam import Keys, allow, deny, fresh, policy, root, text_of, trust, user  # noqa: F401

TESTS = pathlib.Path(__file__).parents[1]

CLASSES = {
    "a signature is not checked on some path": [
        "clients/test_advisories.py: test_every_door_wants_a_signature_or_a_session",
        "s3/authentication.rs: signature_in_header_and_query_at_once_is_refused",
        "clients/test_admin.py: test_nothing_under_api_is_for_nobody",
    ],
    "signatures of chunks": [
        "s3/streaming.rs: tampered_chunk_stores_nothing",
        "s3/streaming.rs: dropped_last_chunk_stores_nothing",
        "s3/streaming.rs: malformed_framing_stores_nothing",
    ],
    "headers outside the signature": [
        "s3/authentication.rs: amz_headers_that_are_not_signed_are_refused",
        "clients/test_advisories.py: test_a_presigned_put_takes_no_copy_source_that_is_not_signed",
    ],
    "presigned URLs and forms": [
        "clients/test_presigned.py: test_a_url_is_for_one_bucket_key_method_and_set_of_parameters",
        "clients/test_post_form.py: test_policies_that_do_not_fit_are_refused_and_nothing_is_stored",
        "clients/test_console_own.py: test_a_link_is_no_more_than_who_made_it",
    ],
    "somebody gives itself more": [
        "clients/test_iam.py: test_nobody_gives_itself_more",
        "clients/test_service_accounts.py: test_a_bounded_service_account_makes_no_keys_that_are_not",
        "clients/test_service_accounts.py: test_no_policy_of_a_bucket_leads_beyond_the_bounds",
        "clients/test_advisories.py: test_a_policy_that_only_denies_allows_nothing",
    ],
    "an action is not asked for": [
        "clients/test_api_table.py: test_",
        "clients/test_iam.py: test_a_user_without_policies_may_do_nothing",
        "clients/test_console_api.py: test_the_admin_api_asks_policies_for_each_operation",
    ],
    "the wrong action or object is asked for": [
        "clients/test_advisories.py: test_versions_and_copy_sources_take_their_own_actions",
        "clients/test_access.py: test_renaming_takes_the_right_to_read_to_remove_and_to_store",
    ],
    "secrets by default or in the code": [
        "clients/test_start.py: test_the_first_start_makes_credentials_that_env_prints_and_later_starts_keep",
        "clients/test_advisories.py: test_no_two_deployments_have_a_secret_in_common",
    ],
    "secrets are shown": [
        "clients/test_advisories.py: test_no_log_metric_or_answer_has_a_secret",
        "clients/test_audit.py: test_no_secret_and_no_signature_is_in_it",
        "clients/test_console_own.py: test_settings_are_told_without_secrets",
        "clients/test_iam.py: test_secrets_are_on_no_drive_and_unknown_without_the_encryption_key",
    ],
    "tokens": [
        "clients/test_iam.py: test_session_tokens_stand_for_their_user_and_for_no_more",
        "clients/test_console_api.py: test_a_cookie_that_was_made_up_or_touched_is_nobodys",
    ],
    "ways out of a folder": [
        "clients/test_advisories.py: test_no_key_leads_to_another_bucket_or_file",
        "clients/test_console_own.py: test_many_objects_come_as_one_archive",
    ],
    "two readers of one text": [
        "clients/test_advisories.py: test_a_copy_source_is_read_once",
        "clients/test_advisories.py: test_what_is_authorized_is_what_is_read",
    ],
    "requests that the server is made to send": [
        "clients/test_advisories.py: test_buckets_send_events_to_targets_of_the_operator_alone",
    ],
    "headers of proxies": [
        "clients/test_advisories.py: test_no_header_says_where_a_request_comes_from",
    ],
    "metadata of the server's own, from clients": [
        "clients/test_advisories.py: test_headers_of_the_servers_own_are_no_metadata",
    ],
    "ways round a retention": [
        "clients/test_object_lock.py: test_compliance_holds_whoever_asks_until_its_date",
        "clients/test_access.py: test_who_may_not_bypass_governance_does_not",
    ],
    "strangers learn something": [
        "clients/test_advisories.py: test_a_condition_tells_a_stranger_nothing",
        "s3/heads.rs: anonymous_and_misplaced_heads_are_refused_as_gets_are",
    ],
    "resources are used up": [
        "clients/test_advisories.py: test_what_has_no_end_ends",
        "clients/test_post_form.py: test_a_connection_that_breaks_leaves_nothing",
        "clients/test_console_own.py: test_an_archive_is_larger_than_what_its_making_holds",
    ],
    "input that ends the process": [
        "clients/test_advisories.py: test_no_request_ends_the_process",
    ],
    "headers within values": [
        "clients/test_advisories.py: test_no_value_becomes_a_header_of_its_own",
    ],
    "what browsers do": [
        "clients/test_console_api.py: test_what_is_stored_is_inert_in_a_browser_that_is_signed_in",
        "clients/test_console_api.py: test_pages_of_other_addresses_are_not_let_in_even_on_the_same_host",
        "clients/test_console_api.py: test_cors_rules_of_a_bucket_open_nothing_here",
    ],
    "guesses at a sign-in": [
        "clients/test_console_api.py: test_guessing_is_slowed_down",
        "clients/test_advisories.py: test_a_sign_in_does_not_tell_which_access_keys_there_are",
    ],
    "filters that are code": [
        "clients/test_advisories.py: test_no_name_is_code_to_the_database",
    ],
    "names that mean more on some platform": [
        "clients/test_advisories.py: test_no_key_leads_to_another_bucket_or_file",
    ],
    "requests within requests": [
        "clients/test_advisories.py: test_a_request_has_one_length",
    ],
}


@pytest.mark.parametrize("kind", CLASSES)
def test_each_class_has_its_tests(kind):
    for named in CLASSES[kind]:
        path, name = named.split(": ")
        assert re.search(rf"\b(def|fn) {name}", (TESTS / path).read_text()), named


def raw(address, text):
    """What the server answers to these very bytes, until it closes."""
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as stream:
        received = b""
        # It may have said no and closed before it had all of it.
        with contextlib.suppress(OSError):
            stream.sendall(text if isinstance(text, bytes) else text.encode())
            stream.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while piece := stream.recv(65536):
                received += piece
    return received


def test_every_door_wants_a_signature_or_a_session(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    # The access key alone, in every place where it stands in a request that is signed.
    scope = f"{topology.ACCESS_KEY}/20260101/{topology.REGION}/s3/aws4_request"
    header = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature="
    paths = [("GET", f"/{bucket}/k"), ("PUT", f"/{bucket}/new"), ("DELETE", f"/{bucket}/k"), ("GET", "/"), ("POST", f"/{bucket}?delete")]
    for method, path in paths:
        for authorization in [None, header, header + "0" * 64, f"AWS {topology.ACCESS_KEY}:", "Basic eDp5", "Bearer x"]:
            connection = http.client.HTTPConnection(server.address, timeout=30)
            headers = {"authorization": authorization} if authorization is not None else {}
            connection.request(method, path, body=b"", headers=headers | {"x-amz-content-sha256": "UNSIGNED-PAYLOAD", "x-amz-date": "20260101T000000Z"})
            answer = connection.getresponse()
            assert answer.status in (400, 403), (method, path, authorization)
            connection.close()
    for service in ["Action=ListUsers&Version=2010-05-08", "Action=GetCallerIdentity&Version=2011-06-15"]:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        connection = http.client.HTTPConnection(server.address, timeout=30)
        connection.request("POST", "/", service, kind)
        assert connection.getresponse().status == 403
        assert Browser(server).ask("POST", "/api/v1/iam", service, kind).status == 401
    for path in ["/api/v1/s3/", f"/api/v1/s3/{bucket}/k", "/api/v1/usage", f"/api/v1/objects?bucket={bucket}&key=k", "/api/v1/requests", "/api/v1/settings"]:
        assert Browser(server).ask("GET", path).status == 401, path
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_a_presigned_put_takes_no_copy_source_that_is_not_signed(s3, bucket):
    s3.put_object(Bucket=bucket, Key="hidden", Body=b"hidden")
    link = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "new"})
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(link).netloc, timeout=30)
    parts = urllib.parse.urlsplit(link)
    connection.request("PUT", f"{parts.path}?{parts.query}", headers={"x-amz-copy-source": f"{bucket}/hidden", "content-length": "0"})
    assert connection.getresponse().status == 403
    assert "Contents" in s3.list_objects_v2(Bucket=bucket) and s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_a_policy_that_only_denies_allows_nothing(root, bucket):
    _, anna = user(root, deny("s3:DeleteObject"))
    text_of(anna.s3.list_objects_v2, Bucket=bucket)
    text_of(anna.s3.put_object, Bucket=bucket, Key="k", Body=b"")
    text_of(anna.iam.create_access_key)
    assert signed_in(root.server, anna.access_key, anna.secret_key).session["allowed"] == []


def test_versions_and_copy_sources_take_their_own_actions(root, bucket):
    root.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    old = root.s3.put_object(Bucket=bucket, Key="k", Body=b"old")["VersionId"]
    root.s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    arn = f"arn:aws:s3:::{bucket}"
    _, anna = user(root, allow(["s3:GetObject", "s3:ListBucket"], [arn, f"{arn}/*"]))
    assert anna.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"
    text_of(anna.s3.get_object, Bucket=bucket, Key="k", VersionId=old)
    text_of(anna.s3.list_object_versions, Bucket=bucket)
    text_of(anna.s3.delete_object, Bucket=bucket, Key="k", VersionId=old)
    # Who may store, but not read the source, copies nothing, in one piece or in parts.
    _, writer = user(root, allow(["s3:PutObject"], f"{arn}/*"))
    text_of(writer.s3.copy_object, Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")
    upload = writer.s3.create_multipart_upload(Bucket=bucket, Key="copy")["UploadId"]
    part = {"Bucket": bucket, "Key": "copy", "UploadId": upload, "PartNumber": 1}
    text_of(writer.s3.upload_part_copy, CopySource=f"{bucket}/k", **part)
    # Nobody in particular may list no versions where it may list keys.
    everybody = {"Effect": "Allow", "Principal": "*", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": [arn, f"{arn}/*"]}
    root.s3.put_bucket_policy(Bucket=bucket, Policy=policy(everybody))
    assert fetch(f"{root.server.endpoint}/{bucket}")[0] == 200
    assert fetch(f"{root.server.endpoint}/{bucket}?versions")[0] == 403
    assert fetch(f"{root.server.endpoint}/{bucket}/k?versionId={old}")[0] == 403


def test_no_two_deployments_have_a_secret_in_common(tmp_path):
    made = []
    for name in ["one", "two"]:
        folder = tmp_path / name
        folder.mkdir()
        server = topology.serve(folder)
        kept = {key: value for key, value in topology.environment().items() if not key.startswith("HOLDFAST_ROOT")}
        log = open(folder / "serve.log", "ab")
        server.front.child = subprocess.Popen([topology.program(), *server.front.arguments], cwd=folder, env=kept, stdout=log, stderr=log)
        topology.wait_until(server.ready, "the server")
        state = folder / ".holdfast"
        made.append((json.loads((state / "credentials.json").read_text()), (state / "encryption.key").read_text()))
        assert all((state / file).stat().st_mode & 0o077 == 0 for file in ["credentials.json", "encryption.key"])
        server.stop()
    (one, one_key), (two, two_key) = made
    assert one_key != two_key and not set(map(str, one.values())) & set(map(str, two.values()))
    for common in ["minioadmin", "admin:admin", "rustfsadmin"]:
        assert common not in json.dumps(one)


def test_no_log_metric_or_answer_has_a_secret(running):
    running.stop()
    running.front.arguments += ["--log-level", "trace"]
    running.start()
    root = Keys(running, topology.ACCESS_KEY, topology.SECRET_KEY)
    root.s3.create_bucket(Bucket="bucket")
    name, anna = user(root, allow("*"))
    token = anna.sts.get_session_token()["Credentials"]
    session = Keys(running, token["AccessKeyId"], token["SecretAccessKey"], token["SessionToken"])
    session.s3.put_object(Bucket="bucket", Key="k", Body=b"")
    browser = signed_in(running, anna.access_key, anna.secret_key)
    browser.s3("GET", "/bucket/k")
    browser.sign_in(anna.access_key, "a-guess-that-is-wrong")
    customer = os.urandom(32)
    with pytest.raises(Exception):
        anna.s3.put_object(Bucket="bucket", Key="c", Body=b"", SSECustomerKey=customer, SSECustomerAlgorithm="AES256")
    texts = [running.front.log(), ask(running, "GET", "/api/v1/settings")[2], ask(running, "GET", "/api/v1/status")[2], ask(running, "GET", "/api/v1/keys")[2]]
    texts += [ask(running, "GET", "/api/v1/requests?limit=1000")[2], root.iam.list_access_keys(UserName=name), Browser(running).ask("GET", "/metrics").body.decode()]
    told = json.dumps(texts, default=str)
    encryption_key = (running.folder / ".holdfast" / "encryption.key").read_text().strip()
    secrets = [topology.SECRET_KEY, anna.secret_key, token["SecretAccessKey"], token["SessionToken"], browser.cookie, "a-guess-that-is-wrong", customer.hex(), encryption_key]
    assert not [number for number, secret in enumerate(secrets) if secret in told]


HOSTILE_KEYS = ["../other/k", "a/../../other/k", "/../k", "..\\..\\k", "%2e%2e/k", "a/./b", "a//b", "\\\\host\\share", "C:\\k", "k\x01\x7f", "~/k", ".holdfast", "con", "k."]


def test_no_key_leads_to_another_bucket_or_file(server, s3, bucket):
    other = fresh("other")
    s3.create_bucket(Bucket=other)
    s3.put_object(Bucket=other, Key="k", Body=b"other's")
    large = b"l" * 100_000
    for key in HOSTILE_KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=large)
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == large
    listed = s3.list_objects_v2(Bucket=bucket, EncodingType="url")
    assert sorted(urllib.parse.unquote_plus(row["Key"]) for row in listed["Contents"]) == sorted(HOSTILE_KEYS)
    assert s3.get_object(Bucket=other, Key="k")["Body"].read() == b"other's"
    # Paths as they come, which a client that is kind would have cleaned; the console's bridge has the same ways in.
    browser = signed_in(server)
    for path in [f"/{bucket}/../{other}/k", f"/{bucket}/%2e%2e/{other}/k", f"/{bucket}/..%2f{other}/k", f"/{bucket}/..%5c{other}%5ck"]:
        answer = browser.s3("GET", path)
        assert answer.status == 404 and answer.code == "NoSuchKey", path
        assert fetch(f"{server.endpoint}{path}")[0] in (403, 404)
    # Keys in the body of a request.
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": f"../{other}/k"}, {"Key": f"/../{other}/k"}]})
    assert s3.get_object(Bucket=other, Key="k")["Body"].read() == b"other's"
    for name in ["..", "../x", ".hidden", "a/b", "-", "-/health"]:
        assert browser.s3("PUT", f"/{urllib.parse.quote(name, safe='')}").status in (400, 403, 404, 405), name


def test_a_copy_source_is_read_once(root, bucket):
    for key in ["k", "open/k", "k?versionId=null", "a b", "a+b", "%6b"]:
        root.s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    arn = f"arn:aws:s3:::{bucket}"
    _, anna = user(root, allow("s3:GetObject", f"{arn}/open/*"), allow("s3:PutObject", f"{arn}/new"))
    browser = signed_in(root.server, anna.access_key, anna.secret_key)
    copy = lambda by, source: by.s3("PUT", f"/{bucket}/new", b"", {"x-amz-copy-source": source})  # noqa: E731
    for source in ["k", "%2Fk", "/k", "open/../k", "open%2F..%2Fk", "%6b", "%256b", "k?versionId=null", "k%3FversionId=null", "open/k?versionId=..%2Fk"]:
        answer = copy(browser, f"{bucket}/{source}")
        assert answer.status in (400, 403, 404) and b"CopyObjectResult" not in answer.body, source
    assert copy(browser, f"/{bucket}/open/k").status == 200 and copy(browser, f"{bucket}%2Fopen%2Fk").status == 200
    # What is spelled out twice is the key that is spelled out once.
    assert copy(signed_in(root.server), f"{bucket}/%256b").status == 200
    assert root.s3.get_object(Bucket=bucket, Key="new")["Body"].read() == b"%6b"


def test_what_is_authorized_is_what_is_read(root, bucket):
    """An encoded slash, a doubled one, and a bucket in the host: one key for policy and object alike."""
    arn = f"arn:aws:s3:::{bucket}"
    name, anna = user(root, allow("s3:GetObject", f"{arn}/*"), deny("s3:GetObject", f"{arn}/hidden/*"))
    root.s3.put_object(Bucket=bucket, Key="hidden/k", Body=b"hidden")
    browser = signed_in(root.server, anna.access_key, anna.secret_key)
    for path in ["hidden/k", "hidden%2Fk", "%68idden/k", "hidden%2fk"]:
        assert browser.s3("GET", f"/{bucket}/{path}").code == "AccessDenied", path
    for path in ["hidden//k", "/hidden/k", "hidden/%2e/k", "Hidden/k"]:
        assert browser.s3("GET", f"/{bucket}/{path}").status in (403, 404), path


def test_buckets_send_events_to_targets_of_the_operator_alone(server, s3, bucket):
    for arn in ["arn:aws:sqs:us-east-1:123456789012:queue", "arn:holdfast:sqs::unknown:webhook", "http://169.254.169.254/latest"]:
        configuration = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
        with pytest.raises(s3.exceptions.ClientError):
            s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
    browser = signed_in(server)
    answer = browser.ask("POST", "/api/v1/presign", {"method": "GET", "bucket": bucket, "key": "k", "expires_seconds": 1}, {"host": "evil.example"})
    assert "evil.example" not in answer.json["url"]


def test_no_header_says_where_a_request_comes_from(root, bucket):
    root.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    statement = allow("s3:GetObject", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    secure = allow("s3:GetObject", Condition={"Bool": {"aws:SecureTransport": "true"}})
    for own in [statement, secure, allow("s3:GetObject", Condition={"StringEquals": {"aws:username": "root"}})]:
        _, anna = user(root, own)
        browser = signed_in(root.server, anna.access_key, anna.secret_key)
        told = {"x-forwarded-for": "10.0.0.1", "x-real-ip": "10.0.0.1", "forwarded": "for=10.0.0.1;proto=https", "x-forwarded-proto": "https"}
        told |= {"aws:SourceIp": "10.0.0.1", "aws:username": "root", "x-amz-source-ip": "10.0.0.1", "aws-securetransport": "true"}
        told = {name: value for name, value in told.items() if ":" not in name}
        assert browser.s3("GET", f"/{bucket}/k", headers=told).code == "AccessDenied"


def test_headers_of_the_servers_own_are_no_metadata(s3, browser_of_root, bucket):
    own = {
        "x-minio-internal-server-side-encryption-iv": "x", "x-holdfast-internal": "x", "x-amz-replication-status": "REPLICA",
        "x-minio-source-mtime": "2000-01-01T00:00:00Z", "x-amz-meta-x-minio-internal-a": "kept as it is", "last-modified": "x", "etag": "x",
    }
    assert browser_of_root.s3("PUT", f"/{bucket}/k", b"bytes", own).status == 200
    found = s3.get_object(Bucket=bucket, Key="k")
    assert found["Body"].read() == b"bytes" and found["Metadata"] == {"x-minio-internal-a": "kept as it is"}
    assert found["ETag"].strip('"') == hashlib.md5(b"bytes").hexdigest() and found["LastModified"].year > 2020


@pytest.fixture
def browser_of_root(server):
    return signed_in(server)


def test_a_condition_tells_a_stranger_nothing(server, s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"hidden", Metadata={"a": "hidden"})["ETag"]
    conditions = [{"if-none-match": etag}, {"if-match": etag}, {"if-modified-since": "Tue, 01 Jan 2030 00:00:00 GMT"}, {"range": "bytes=0-0"}, {"range": "bytes=99-"}, {}]
    for key in ["k", "nothing"]:
        for method in ["GET", "HEAD"]:
            for condition in conditions:
                connection = http.client.HTTPConnection(server.address, timeout=30)
                connection.request(method, f"/{bucket}/{key}", headers=condition)
                answer = connection.getresponse()
                body = answer.read()
                names = {name.lower() for name, _ in answer.getheaders()}
                assert answer.status == 403 and not names & {"etag", "last-modified", "x-amz-meta-a", "content-range"}
                assert b"hidden" not in body
                connection.close()


def test_what_has_no_end_ends(server, s3):
    endless = [
        "GET /" + "a" * 100_000 + " HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\n" + "".join(f"x-{number}: y\r\n" for number in range(5000)) + "\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 900000\r\n\r\n" + "a=" + "b" * 899_998,
        "PUT /b/k HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" + "ffffffffffffffff\r\n" + "a" * 1000,
    ]
    for text in endless:
        answer = raw(server.address, text)
        assert answer == b"" or int(answer.split()[1]) in (400, 403, 411, 413, 414, 431), answer[:200]
        answer = raw(server.console, text)
        assert answer == b"" or 400 <= int(answer.split()[1]) < 500, answer[:200]
    # Nested a hundred thousand deep, and with a thousand entities of entities.
    bucket = fresh("deep")
    s3.create_bucket(Bucket=bucket)
    browser = signed_in(server)
    bomb = '<!DOCTYPE a [<!ENTITY a "' + "a" * 1000 + '"><!ENTITY b "' + "&a;" * 1000 + '">]><Tagging>' + "&b;" * 1000 + "</Tagging>"
    for document in ["<a>" * 100_000, bomb, '{"a":' * 100_000]:
        for aspect in ["tagging", "policy", "lifecycle", "cors"]:
            assert browser.s3("PUT", f"/{bucket}?{aspect}", document).status in (400, 403), aspect
    assert s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_no_request_ends_the_process(server, s3, bucket):
    heads = [b"\x00\xff\xfe", b"GET", b"GET  HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00" * 100]
    for path in ["//", "/%", "/%zz", "/%00", "/b/%ff", "*", "http://", "/b?X-Amz-Expires=99999999999999999999", "/b?partNumber=-1&uploadId=", "/b?max-keys=999999999999"]:
        for method in ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT"]:
            heads.append(f"{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: AWS4-HMAC-SHA256 Credential=,SignedHeaders=,Signature=\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
    for head in heads:
        for address in [server.address, server.console]:
            raw(address, head)
    browser = signed_in(server)
    for query in ["versionId=" + "9" * 400, "uploadId=../..", "partNumber=99999999999", "continuation-token=%00", "marker=%ff", "tagging&versionId=%F0%9F%92%A9"]:
        for method in ["GET", "PUT", "POST", "DELETE"]:
            assert browser.s3(method, f"/{bucket}/k?{query}", b"").status < 500, (method, query)
    for headers in [{"range": "bytes=18446744073709551615-18446744073709551616"}, {"x-amz-tagging": "%"}, {"content-md5": "x"}, {"x-amz-date": "0"}, {"x-amz-copy-source": "/"}, {"if-match": '"'}]:
        assert browser.s3("PUT", f"/{bucket}/k", b"", headers).status < 500, headers
        assert browser.s3("GET", f"/{bucket}/k", headers=headers).status < 500, headers
    assert server.front.alive() and "panicked" not in server.front.log()
    s3.put_object(Bucket=bucket, Key="k", Body=b"goes on")


def test_no_value_becomes_a_header_of_its_own(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k\r\nx-evil: 1", Body=b"", ContentType="text/plain")
    browser = signed_in(server)
    evil = urllib.parse.quote("a\r\nx-evil: 1\r\n\r\n<script>")
    for parameter in ["content-type", "content-disposition", "content-language", "cache-control", "expires", "content-encoding"]:
        for path in [f"/{bucket}/k%0D%0Ax-evil%3A%201?response-{parameter}={evil}", f"/{bucket}/k%0D%0Ax-evil%3A%201?response-{parameter}=a%0Dx-evil:1"]:
            answer = browser.s3("GET", path)
            assert "x-evil" not in answer.headers and answer.status in (200, 400)
    link = browser.ask("POST", "/api/v1/presign", {"method": "GET", "bucket": bucket, "key": "k\r\nx-evil: 1", "expires_seconds": 60, "response_content_disposition": "a\r\nx-evil: 1"})
    status, headers, _ = fetch(link.json["url"])
    assert "x-evil" not in headers and "\n" not in link.json["url"]
    assert "x-evil" not in browser.ask("GET", f"/api/v1/{evil}").headers


def test_a_sign_in_does_not_tell_which_access_keys_there_are(server):
    browser = Browser(server)
    known, unknown = browser.sign_in(topology.ACCESS_KEY, "wrong"), browser.sign_in("unknown", "wrong")
    assert (known.status, known.body) == (unknown.status, unknown.body)
    assert known.headers["www-authenticate"] == unknown.headers["www-authenticate"]
    _, _, known = ask(server, "GET", "/api/v1/status", pair=f"{topology.ACCESS_KEY}:wrong")
    _, _, unknown = ask(server, "GET", "/api/v1/status", pair="unknown:wrong")
    assert known == unknown


def test_no_name_is_code_to_the_database(server, s3, bucket):
    browser = signed_in(server)
    hostile = ["'; DROP TABLE buckets; --", '" OR 1=1 --', "%' UNION SELECT 1", "a_%b", "NEAR(a b)", '"*"', "\\"]
    ask(server, "POST", f"/api/v1/buckets/{bucket}/search", body='{"enabled": true}')
    for key in hostile:
        s3.put_object(Bucket=bucket, Key=key, Body=b"", Tagging=urllib.parse.urlencode({"a": "b"}))
    for text in hostile:
        quoted = urllib.parse.quote(text, safe="")
        assert [row["Key"] for row in s3.list_objects_v2(Bucket=bucket, Prefix=text).get("Contents", [])] == [key for key in sorted(hostile) if key.startswith(text)]
        assert browser.s3("GET", f"/{bucket}?search&key={quoted}").status < 500
        assert browser.ask("GET", f"/api/v1/requests?text={quoted}").status == 200
        assert browser.iam("GetUser", UserName=text).status in (400, 403, 404)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == len(hostile)


def test_a_request_has_one_length(server):
    hidden = "GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n"
    doubtful = [
        f"PUT /b/k HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ncontent-length: {4 + len(hidden)}\r\n\r\nbody{hidden}",
        f"PUT /b/k HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: identity, chunked, identity\r\n\r\n0\r\n\r\n{hidden}",
        f"PUT /b/k HTTP/1.1\r\nhost: x\r\ncontent-length: +4\r\n\r\nbody{hidden}",
        f"PUT /b/k HTTP/1.1\r\nhost: x\r\ncontent-length : 4\r\n\r\nbody{hidden}",
        f"PUT /b/k HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}",
    ]
    for text in doubtful:
        for address in [server.address, server.console]:
            answer = raw(address, text)
            assert answer.startswith(b"HTTP/1.1 400") and answer.count(b"HTTP/1.1 ") == 1, (text, answer[:300])
