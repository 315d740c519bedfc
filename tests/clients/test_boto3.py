"""boto3 with default settings."""

import base64
import concurrent.futures
import hashlib
import http.client
import io
import os
import socket
import urllib.error
import urllib.parse
import urllib.request
import zlib

import boto3.s3.transfer
import pytest
from botocore.exceptions import ClientError
from conftest import MIB, client_at, sha256

import topology


def refused(code, status, call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    return response


def body(s3, bucket, key, **more):
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


@pytest.mark.parametrize("size", [0, 1, 4096, 4097, 65536, 1048576, 5 * MIB + 3])
def test_an_object_of_any_size_comes_back_the_same(s3, bucket, size):
    content = os.urandom(size)
    put = s3.put_object(Bucket=bucket, Key="k", Body=content)
    assert put["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == content
    assert (got["ContentLength"], got["ETag"]) == (size, put["ETag"])
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ContentLength"], head["ETag"]) == (size, put["ETag"])


def test_a_large_file_goes_up_in_parallel_parts_and_comes_back_the_same(s3, bucket, large_file, tmp_path):
    s3.upload_file(str(large_file), bucket, "large")
    head = s3.head_object(Bucket=bucket, Key="large")
    assert head["ContentLength"] == os.path.getsize(large_file)
    assert "-" in head["ETag"], "it was a multipart upload"
    s3.download_file(bucket, "large", str(tmp_path / "back"))
    assert sha256(tmp_path / "back") == sha256(large_file)


def test_metadata_and_standard_headers_come_back(s3, bucket):
    sent = {
        "ContentType": "text/x-test; charset=utf-8",
        "CacheControl": "max-age=60",
        "ContentDisposition": 'attachment; filename="x.txt"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "Metadata": {"colour": "blue", "words": "two words"},
    }
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **sent)
    for answer in [s3.head_object(Bucket=bucket, Key="k"), s3.get_object(Bucket=bucket, Key="k")]:
        assert {name: answer[name] for name in sent} == sent


def test_a_copy_leads_elsewhere_only_when_told_so(s3, bucket):
    s3.put_object(Bucket=bucket, Key="from", Body=b"x", WebsiteRedirectLocation="/a", Metadata={"kept": "yes"})
    leads = lambda key: s3.head_object(Bucket=bucket, Key=key).get("WebsiteRedirectLocation")  # noqa: E731
    s3.copy_object(Bucket=bucket, Key="to", CopySource=f"{bucket}/from")
    assert (leads("to"), s3.head_object(Bucket=bucket, Key="to")["Metadata"]) == (None, {"kept": "yes"})
    s3.copy_object(Bucket=bucket, Key="to", CopySource=f"{bucket}/from", WebsiteRedirectLocation="/b")
    assert (leads("to"), s3.head_object(Bucket=bucket, Key="to")["Metadata"]) == ("/b", {"kept": "yes"})
    wrong = {"CopySource": f"{bucket}/from", "WebsiteRedirectLocation": "nowhere"}
    refused("InvalidRedirectLocation", 400, s3.copy_object, Bucket=bucket, Key="to", **wrong)


def test_a_bucket_is_where_the_server_is(s3):
    for place, code in [("mars", "InvalidLocationConstraint"), ("eu-central-1", "IllegalLocationConstraintException")]:
        wanted = {"CreateBucketConfiguration": {"LocationConstraint": place}}
        refused(code, 400, s3.create_bucket, Bucket="somewhere-else", **wanted)


def test_a_copy_keeps_or_replaces_metadata(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"content", Metadata={"v": "1"}, ContentType="text/a")
    source = {"Bucket": bucket, "Key": "a"}
    s3.copy_object(Bucket=bucket, Key="b", CopySource=source)
    assert s3.head_object(Bucket=bucket, Key="b")["Metadata"] == {"v": "1"}
    s3.copy_object(Bucket=bucket, Key="a", CopySource=source, Metadata={"v": "2"}, MetadataDirective="REPLACE")
    head = s3.head_object(Bucket=bucket, Key="a")
    assert head["Metadata"] == {"v": "2"}
    assert body(s3, bucket, "a") == body(s3, bucket, "b") == b"content"
    refused("InvalidRequest", 400, s3.copy_object, Bucket=bucket, Key="a", CopySource=source)


def test_ranges_give_the_bytes_asked_for(s3, bucket):
    content = os.urandom(3 * MIB)
    s3.put_object(Bucket=bucket, Key="k", Body=content)
    cases = {
        "bytes=0-0": content[:1],
        "bytes=5-9": content[5:10],
        "bytes=1048570-1048590": content[1048570:1048591],
        "bytes=3145720-": content[3145720:],
        "bytes=-7": content[-7:],
        "bytes=3145720-99999999": content[3145720:],
    }
    for asked, expected in cases.items():
        answer = s3.get_object(Bucket=bucket, Key="k", Range=asked)
        assert answer["Body"].read() == expected, asked
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    refused("InvalidRange", 416, s3.get_object, Bucket=bucket, Key="k", Range="bytes=3145728-")


def test_reads_obey_their_conditions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    assert body(s3, bucket, "k", IfMatch=etag) == b"x"
    assert body(s3, bucket, "k", IfNoneMatch='"0123456789abcdef0123456789abcdef"') == b"x"
    refused("PreconditionFailed", 412, s3.get_object, Bucket=bucket, Key="k", IfMatch='"0123456789abcdef0123456789abcdef"')
    refused("304", 304, s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag)


def test_of_many_conditional_writes_exactly_one_wins(s3, bucket):
    def create(number):
        try:
            s3.put_object(Bucket=bucket, Key="lock", Body=str(number).encode(), IfNoneMatch="*")
            return number
        except ClientError as error:
            assert error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict")
            return None

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        winners = [number for number in pool.map(create, range(32)) if number is not None]
    assert len(winners) == 1
    assert body(s3, bucket, "lock") == str(winners[0]).encode()
    etag = s3.head_object(Bucket=bucket, Key="lock")["ETag"]
    s3.put_object(Bucket=bucket, Key="lock", Body=b"next", IfMatch=etag)
    refused("PreconditionFailed", 412, s3.put_object, Bucket=bucket, Key="lock", Body=b"late", IfMatch=etag)


def crc32(content):
    return zlib.crc32(content).to_bytes(4, "big")


KNOWN = {
    "CRC32": crc32,
    "SHA1": lambda content: hashlib.sha1(content).digest(),
    "SHA256": lambda content: hashlib.sha256(content).digest(),
}


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_a_checksum_asked_for_is_verified_stored_and_shown(s3, bucket, algorithm):
    content = os.urandom(100_000)
    expected = base64.b64encode(KNOWN[algorithm](content)).decode()
    put = s3.put_object(Bucket=bucket, Key="k", Body=content, ChecksumAlgorithm=algorithm)
    assert put[f"Checksum{algorithm}"] == expected
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] == expected
    wrong = base64.b64encode(KNOWN[algorithm](b"other")).decode()
    refused("BadDigest", 400, s3.put_object, Bucket=bucket, Key="bad", Body=content, **{f"Checksum{algorithm}": wrong})
    refused("404", 404, s3.head_object, Bucket=bucket, Key="bad")


# Values of the standards' own check string, for the two that Python has no function for.
CHECK = {"CRC32C": "e3069283", "CRC64NVME": "ae8b14860a799888"}


@pytest.mark.parametrize("algorithm", sorted(CHECK))
def test_a_checksum_sent_ready_made_is_verified_stored_and_shown(s3, bucket, algorithm):
    name, value = f"Checksum{algorithm}", base64.b64encode(bytes.fromhex(CHECK[algorithm])).decode()
    s3.put_object(Bucket=bucket, Key="k", Body=b"123456789", **{name: value})
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[name] == value
    refused("BadDigest", 400, s3.put_object, Bucket=bucket, Key="bad", Body=b"123456780", **{name: value})


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA256"])
def test_a_multipart_upload_carries_its_checksum(s3, bucket, algorithm):
    content = os.urandom(11 * MIB)
    config = boto3.s3.transfer.TransferConfig(multipart_chunksize=5 * MIB, multipart_threshold=5 * MIB)
    s3.upload_fileobj(io.BytesIO(content), bucket, "k", ExtraArgs={"ChecksumAlgorithm": algorithm}, Config=config)
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"]
    assert body(s3, bucket, "k") == content


def test_parts_of_unequal_size_in_any_order_become_one_object(s3, bucket):
    parts = {3: os.urandom(100), 1: os.urandom(5 * MIB), 2: os.urandom(7 * MIB + 1)}
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    where = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        sent = {n: pool.submit(s3.upload_part, PartNumber=n, Body=content, **where) for n, content in parts.items()}
    listed = s3.list_parts(**where)["Parts"]
    assert [(part["PartNumber"], part["Size"]) for part in listed] == [(n, len(parts[n])) for n in (1, 2, 3)]
    complete = [{"PartNumber": n, "ETag": sent[n].result()["ETag"]} for n in (1, 2, 3)]
    etag = s3.complete_multipart_upload(MultipartUpload={"Parts": complete}, **where)["ETag"]
    digests = b"".join(hashlib.md5(parts[n]).digest() for n in (1, 2, 3))
    assert etag == f'"{hashlib.md5(digests).hexdigest()}-3"'
    assert body(s3, bucket, "k") == parts[1] + parts[2] + parts[3]
    assert body(s3, bucket, "k", PartNumber=2) == parts[2]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_an_aborted_upload_leaves_nothing(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    where = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    s3.upload_part(PartNumber=1, Body=b"x", **where)
    assert [u["Key"] for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["k"]
    s3.abort_multipart_upload(**where)
    refused("NoSuchUpload", 404, s3.upload_part, PartNumber=2, Body=b"x", **where)
    refused("NoSuchKey", 404, s3.get_object, Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)


def test_a_part_can_be_copied_from_a_range(s3, bucket):
    content = os.urandom(12 * MIB)
    s3.put_object(Bucket=bucket, Key="source", Body=content)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    where = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    source = {"Bucket": bucket, "Key": "source"}
    ranges = [f"bytes=0-{6 * MIB - 1}", f"bytes={6 * MIB}-{len(content) - 1}"]
    copied = [
        s3.upload_part_copy(PartNumber=n, CopySource=source, CopySourceRange=ranges[n - 1], **where)["CopyPartResult"]
        for n in (1, 2)
    ]
    parts = [{"PartNumber": n, "ETag": copied[n - 1]["ETag"]} for n in (1, 2)]
    s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **where)
    assert body(s3, bucket, "k") == content


def test_listings_page_in_byte_order_with_prefixes_and_delimiters(s3, bucket):
    keys = ["a", "a/", "a/b", "a/c", "a b", "a+b", "b/x/y", "b/z", "ü", "ÿ", "日本", "𝄞"] + [f"n{i:03}" for i in range(30)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    expected = sorted(keys, key=lambda key: key.encode())
    for operation in ["list_objects_v2", "list_objects"]:
        pages = s3.get_paginator(operation).paginate(Bucket=bucket, PaginationConfig={"PageSize": 7})
        assert [entry["Key"] for page in pages for entry in page.get("Contents", [])] == expected, operation
    page = s3.list_objects_v2(Bucket=bucket, Delimiter="/", Prefix="a")
    assert [entry["Key"] for entry in page["Contents"]] == ["a", "a b", "a+b"]
    assert [group["Prefix"] for group in page["CommonPrefixes"]] == ["a/"]
    page = s3.list_objects_v2(Bucket=bucket, StartAfter="n027")
    assert [entry["Key"] for entry in page["Contents"]] == expected[expected.index("n027") + 1 :]


def test_many_keys_are_deleted_at_once(s3, bucket):
    keys = [f"k{i}" for i in range(50)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    listed = {"Objects": [{"Key": key} for key in [*keys, "never-there"]]}
    answer = s3.delete_objects(Bucket=bucket, Delete=listed)
    assert len(answer["Deleted"]) == 51 and "Errors" not in answer
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize("key", ["a//b", "./a/../b", "tab\tnewline", "emoji 🎉", "%25", "a?b=c&d", "x" * 1024, "+ +"])
def test_a_key_is_any_text(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert body(s3, bucket, key) == key.encode()
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.delete_object(Bucket=bucket, Key=key)
    refused("NoSuchKey", 404, s3.get_object, Bucket=bucket, Key=key)


def test_errors_carry_the_codes_of_s3(s3, bucket, server):
    refused("NoSuchBucket", 404, s3.get_object, Bucket="no-such-bucket-anywhere", Key="k")
    refused("NoSuchKey", 404, s3.get_object, Bucket=bucket, Key="k")
    refused("404", 404, s3.head_object, Bucket=bucket, Key="k")
    refused("KeyTooLongError", 400, s3.put_object, Bucket=bucket, Key="x" * 1025, Body=b"")
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    refused("BucketNotEmpty", 409, s3.delete_bucket, Bucket=bucket)
    stranger = client_at(server.endpoint, secret="not-the-secret-key")
    refused("SignatureDoesNotMatch", 403, stranger.get_object, Bucket=bucket, Key="k")


def test_presigned_urls_put_and_get_until_they_expire(s3, bucket):
    where = {"Bucket": bucket, "Key": "shared"}
    url = s3.generate_presigned_url("put_object", Params=where, ExpiresIn=60)
    request = urllib.request.Request(url, data=b"from outside", method="PUT")
    request.add_header("content-type", "")
    assert urllib.request.urlopen(request).status == 200
    url = s3.generate_presigned_url("get_object", Params=where | {"ResponseContentType": "text/x-asked"}, ExpiresIn=60)
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"from outside"
        assert answer.headers["content-type"] == "text/x-asked"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url.replace("shared", "other"))
    assert caught.value.code == 403
    assert b"SignatureDoesNotMatch" in caught.value.read()


def test_an_expectation_without_a_body_makes_the_answer_the_last_of_its_connection(s3, bucket):
    """botocore expects `100 Continue` for an empty body too, and misreads the next answer if none came."""
    url = urllib.parse.urlsplit(s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"}))
    connection = http.client.HTTPConnection(url.netloc, timeout=30)
    for headers, will_close in [({}, False), ({"expect": "100-continue"}, True)]:
        connection.request("PUT", f"{url.path}?{url.query}", headers=headers | {"content-length": "0"})
        answer = connection.getresponse()
        assert (answer.status, answer.read(), answer.will_close) == (200, b"", will_close)


def test_buckets_answer_as_host_names(s3, bucket, server, monkeypatch):
    real = socket.getaddrinfo

    def resolve(host, *arguments, **more):
        name = host.decode() if isinstance(host, bytes) else host
        return real("127.0.0.1" if name and name.endswith(topology.DOMAIN) else host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    port = server.address.split(":")[1]
    seen = []
    virtual = client_at(f"http://{topology.DOMAIN}:{port}", s3={"addressing_style": "virtual"})
    virtual.meta.events.register("before-send.s3", lambda request, **_: seen.append(request.url))
    virtual.put_object(Bucket=bucket, Key="by/host name", Body=b"virtual")
    assert seen[0].startswith(f"http://{bucket}.{topology.DOMAIN}:{port}/by/host")
    assert body(s3, bucket, "by/host name") == b"virtual"
    assert virtual.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_probes_of_what_is_not_configured_get_the_answers_of_s3(s3, bucket):
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] in (None, topology.REGION)
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    refused("NoSuchBucketPolicy", 404, s3.get_bucket_policy, Bucket=bucket)
    refused("NoSuchCORSConfiguration", 404, s3.get_bucket_cors, Bucket=bucket)
    refused("NoSuchLifecycleConfiguration", 404, s3.get_bucket_lifecycle_configuration, Bucket=bucket)
    refused("NoSuchTagSet", 404, s3.get_bucket_tagging, Bucket=bucket)
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"][0]["Permission"] == "FULL_CONTROL"


def test_a_client_that_signs_for_the_default_region_of_its_own_is_served(s3, bucket, server):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    usual = client_at(server.endpoint, region="us-east-1")
    assert body(usual, bucket, "k") == b"x"
    refused("AuthorizationHeaderMalformed", 400, client_at(server.endpoint, region="eu-west-9").list_buckets)
