"""Quotas of buckets, through boto3, the admin API and the command line."""

import http.client
import json
import os
import threading

import pytest
import urllib3
from botocore.exceptions import ClientError
from conftest import client_at
from test_admin import ask

MIB = 1024 * 1024


def bound(server, bucket, size):
    return ask(server, "POST", f"/api/v1/buckets/{bucket}/quota", json.dumps({"bytes": size}))


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert error["Error"]["Code"] == "QuotaExceeded"
    return error["Error"]["Message"]


def listed(server, bucket):
    return next(entry for entry in ask(server, "GET", "/api/v1/buckets")[2]["buckets"] if entry["name"] == bucket)


def test_every_way_to_write_is_bounded_and_the_refusal_says_by_what(server, s3, bucket):
    bound(server, bucket, 6 * MIB)
    body = os.urandom(4 * MIB)
    s3.put_object(Bucket=bucket, Key="a", Body=body)
    said = refused(s3.put_object, Bucket=bucket, Key="b", Body=body)
    assert said == (
        f"The bucket {bucket} may hold {6 * MIB} bytes and holds {4 * MIB}; this would add {4 * MIB}. Remove objects, "
        "or older versions if the bucket keeps them, or have the operator raise its quota."
    )
    refused(s3.copy_object, Bucket=bucket, Key="copy", CopySource=f"{bucket}/a")
    post = s3.generate_presigned_post(bucket, "form")
    answer = urllib3.PoolManager().request("POST", post["url"], fields=post["fields"] | {"file": ("f", body)})
    assert (answer.status, b"<Code>QuotaExceeded</Code>" in answer.data) == (403, True)
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "signed"})
    assert urllib3.PoolManager().request("PUT", url, body=body).status == 403
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    refused(s3.upload_part, Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=os.urandom(5 * MIB))
    source = {"CopySource": f"{bucket}/a", "PartNumber": 1}
    refused(s3.upload_part_copy, Bucket=bucket, Key="parts", UploadId=upload, **source)
    refused(s3.put_object, Bucket=bucket, Key="a", Body=body, WriteOffsetBytes=4 * MIB)
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a"]
    s3.put_object(Bucket=bucket, Key="a", Body=body + body[: 2 * MIB])
    s3.delete_object(Bucket=bucket, Key="a")
    s3.put_object(Bucket=bucket, Key="b", Body=body)
    assert s3.get_object(Bucket=bucket, Key="b")["Body"].read() == body


def test_parts_that_fit_alone_do_not_make_an_object_that_does_not(server, s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    where = {"Bucket": bucket, "Key": "big", "UploadId": upload}
    tags = [s3.upload_part(**where, PartNumber=part, Body=bytes(5 * MIB))["ETag"] for part in (1, 2)]
    bound(server, bucket, 10 * MIB - 1)
    parts = [{"PartNumber": part, "ETag": tag} for part, tag in zip((1, 2), tags, strict=True)]
    refused(s3.complete_multipart_upload, **where, MultipartUpload={"Parts": parts})
    bound(server, bucket, 10 * MIB)
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert listed(server, bucket)["stored_bytes"] == 10 * MIB


def test_clients_at_once_do_not_get_beyond_together(server, s3, bucket):
    bound(server, bucket, 10 * 50_000)
    stored = []

    def write(worker):
        client = client_at(server.endpoint)
        for number in range(5):
            try:
                client.put_object(Bucket=bucket, Key=f"{worker}-{number}", Body=os.urandom(50_000))
                stored.append(1)
            except ClientError as error:
                assert error.response["Error"]["Code"] == "QuotaExceeded"

    workers = [threading.Thread(target=write, args=(worker,)) for worker in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(stored) == 10
    assert listed(server, bucket)["stored_bytes"] == 500_000


def test_older_versions_count_until_they_are_removed(server, s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    bound(server, bucket, 3000)
    first = s3.put_object(Bucket=bucket, Key="k", Body=bytes(2000))["VersionId"]
    s3.delete_object(Bucket=bucket, Key="k")
    refused(s3.put_object, Bucket=bucket, Key="k", Body=bytes(1001))
    s3.delete_object(Bucket=bucket, Key="k", VersionId=first)
    s3.put_object(Bucket=bucket, Key="k", Body=bytes(3000))


def test_a_client_that_asks_first_sends_nothing_that_does_not_fit(server, s3, bucket):
    bound(server, bucket, 1000)
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k"})
    connection = http.client.HTTPConnection(server.address, timeout=30)
    connection.putrequest("PUT", url.split(server.address)[1])
    connection.putheader("content-length", str(100 * MIB))
    connection.putheader("expect", "100-continue")
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 403
    assert b"<Code>QuotaExceeded</Code>" in answer.read()


def test_a_quota_is_set_shown_and_lifted(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=bytes(512 * 1024))
    assert "may hold 1.0 MiB, and holds 512 KiB" in server.admin("bucket", "quota", bucket, "1MiB")
    assert "1.0 MiB (50 % used)" in server.admin("bucket", "list")
    assert listed(server, bucket)["quota"] == MIB
    rows = ask(server, "GET", "/api/v1/usage")[2]["buckets"]
    assert next(row for row in rows if row["name"] == bucket)["quota"] == MIB
    metrics = urllib3.PoolManager().request("GET", f"http://{server.console}/metrics").data.decode()
    assert f'holdfast_bucket_quota_bytes{{bucket="{bucket}"}} {MIB}' in metrics
    assert f'holdfast_bucket_quota_used_bytes{{bucket="{bucket}"}} {512 * 1024}' in metrics
    assert "may hold any number of bytes" in server.admin("bucket", "quota", bucket, "none")
    assert "quota" not in listed(server, bucket)
    s3.put_object(Bucket=bucket, Key="more", Body=bytes(2 * MIB))


def test_what_is_no_quota_is_refused(server, bucket):
    path = f"/api/v1/buckets/{bucket}/quota"
    for body in [{"bytes": 0}, {"bytes": -1}, {"bytes": "1GiB"}, {}, {"bytes": 1, "more": 1}]:
        assert ask(server, "POST", path, json.dumps(body))[0] == 400, body
    assert ask(server, "POST", "/api/v1/buckets/nosuchbucket/quota", json.dumps({"bytes": 1}))[0] == 404
    assert "quota" not in listed(server, bucket)
