"""Storage classes and the parity that objects of each have, through boto3 and the admin API."""

import hashlib
import os

import pytest
import topology
import urllib3
from conftest import client_at
from test_admin import ask
from topology import wait_until

MIB = 1024 * 1024
RULES = ["--storage-class", "GLACIER_IR=1+1", "--lifecycle-day", "1"]


@pytest.fixture(scope="module", params=["serve", "cluster"])
def running(request, tmp_path_factory):
    """Four drives, 2+2; archives on two of them; days of a second."""
    running = getattr(topology, request.param)(tmp_path_factory.mktemp(request.param))
    running.front.arguments += RULES
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def s3(running):
    return client_at(running.endpoint)


def report(running, bucket):
    """What the admin API says of a bucket: each class with its parity and how many objects it has; and what waits."""
    listed = ask(running, "GET", "/api/v1/buckets")[2]["buckets"]
    found = next(entry for entry in listed if entry["name"] == bucket)
    classes = {
        entry["class"]: (f"{entry['data_shards']}+{entry['parity_shards']}", entry["objects"])
        for entry in found.get("classes", [])
    }
    return classes, found["to_recode"]["objects"]


def spare(running):
    return ask(running, "GET", "/api/v1/status")[2]["health"]["drives_spare"]


def held(running):
    """Bytes of shards on all drives."""
    return sum(drive["held_bytes"] for drive in ask(running, "GET", "/api/v1/drives")[2]["drives"])


def test_a_put_of_each_class_takes_what_its_parity_takes(running, s3, bucket):
    body = os.urandom(3 * MIB)
    for name, factor in [("STANDARD", 2), ("REDUCED_REDUNDANCY", 4 / 3), ("GLACIER_IR", 2), ("ONEZONE_IA", 2)]:
        before = held(running)
        s3.put_object(Bucket=bucket, Key=name, Body=body, StorageClass=name)
        assert held(running) - before == pytest.approx(factor * len(body), rel=0.001), name
        assert s3.get_object(Bucket=bucket, Key=name)["Body"].read() == body
    assert report(running, bucket) == ({"REDUCED_REDUNDANCY": ("3+1", 1), "GLACIER_IR": ("1+1", 1)}, 0)
    assert spare(running) == 1, "the least safe object counts"
    said = running.admin("bucket", "list")
    assert "2+2 (default); REDUCED_REDUNDANCY 3+1; GLACIER_IR 1+1" in said
    for name in ["REDUCED_REDUNDANCY", "GLACIER_IR"]:
        s3.delete_object(Bucket=bucket, Key=name)
    assert report(running, bucket) == ({}, 0)
    assert spare(running) == 2


def test_a_form_and_an_upload_in_parts_keep_to_their_class(running, s3, bucket):
    post = s3.generate_presigned_post(
        bucket, "form", Fields={"x-amz-storage-class": "REDUCED_REDUNDANCY"},
        Conditions=[{"x-amz-storage-class": "REDUCED_REDUNDANCY"}],
    )
    fields = post["fields"] | {"file": ("f", b"f" * 100_000)}
    assert urllib3.PoolManager().request("POST", post["url"], fields=fields).status == 204
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts", StorageClass="REDUCED_REDUNDANCY")["UploadId"]
    where = {"Bucket": bucket, "Key": "parts", "UploadId": upload}
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**where, PartNumber=number, Body=bytes([number]) * 5 * MIB)["ETag"]}
        for number in [1, 2]
    ]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert report(running, bucket) == ({"REDUCED_REDUNDANCY": ("3+1", 2)}, 0)


def test_a_copy_to_another_class_is_encoded_anew_before_it_is_answered(running, s3, bucket):
    body = os.urandom(2 * MIB)
    s3.put_object(Bucket=bucket, Key="a", Body=body)
    source = {"Bucket": bucket, "Key": "a"}
    before = held(running)
    s3.copy_object(Bucket=bucket, Key="same", CopySource=source)
    assert held(running) == before, "of the same class it shares the bytes"
    s3.copy_object(Bucket=bucket, Key="rrs", CopySource=source, StorageClass="REDUCED_REDUNDANCY")
    assert held(running) - before == pytest.approx(4 / 3 * len(body), rel=0.001)
    assert report(running, bucket) == ({"REDUCED_REDUNDANCY": ("3+1", 1)}, 0)
    # In place, as clients change the class of an object.
    s3.copy_object(Bucket=bucket, Key="rrs", CopySource={"Bucket": bucket, "Key": "rrs"}, StorageClass="STANDARD")
    assert report(running, bucket) == ({}, 0)
    assert s3.get_object(Bucket=bucket, Key="rrs")["Body"].read() == body
    tiny = s3.put_object(Bucket=bucket, Key="tiny", Body=b"t", StorageClass="REDUCED_REDUNDANCY")
    assert s3.copy_object(Bucket=bucket, Key="tiny2", CopySource=f"{bucket}/tiny")["CopyObjectResult"]["ETag"] == tiny["ETag"]


def test_a_transition_has_the_object_encoded_anew_in_the_background(running, s3, bucket):
    body = os.urandom(MIB + 1)
    s3.put_object(Bucket=bucket, Key="old", Body=body)
    s3.put_object(Bucket=bucket, Key="kept/shared", Body=body)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "kept/shared"})
    seen = s3.head_object(Bucket=bucket, Key="old")
    rules = [
        {
            "ID": prefix, "Filter": {"Prefix": prefix}, "Status": "Enabled",
            "Transitions": [{"Days": 1, "StorageClass": "GLACIER_IR"}],
        }
        for prefix in ["old", "copy"]
    ]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    wait_until(lambda: report(running, bucket) == ({"GLACIER_IR": ("1+1", 2)}, 0), "objects are encoded anew")
    after = s3.head_object(Bucket=bucket, Key="old")
    assert after["StorageClass"] == "GLACIER_IR"
    assert (after["ETag"], after["LastModified"]) == (seen["ETag"], seen["LastModified"])
    for key in ["old", "kept/shared", "copy"]:
        assert hashlib.sha256(s3.get_object(Bucket=bucket, Key=key)["Body"].read()).digest() == hashlib.sha256(body).digest()
    assert "StorageClass" not in s3.head_object(Bucket=bucket, Key="kept/shared")


def test_a_bucket_of_another_parity_takes_its_reduced_class_along(running, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=bytes(MIB), StorageClass="REDUCED_REDUNDANCY")
    s3.put_object(Bucket=bucket, Key="b", Body=bytes(MIB))
    running.admin("bucket", "parity", bucket, "1+2", "--wait")
    assert report(running, bucket) == ({"REDUCED_REDUNDANCY": ("2+1", 1)}, 0)


def test_a_class_that_the_drives_cannot_bear_ends_the_start_with_a_sentence(tmp_path):
    for scheme, words in [
        ("4+1", "needs 5 drives"), ("3+0", "no parity"), ("1+3", "metadata"), ("2", "a storage class"),
    ]:
        (tmp_path / scheme).mkdir()
        server = topology.serve(tmp_path / scheme)
        server.front.arguments += ["--storage-class", f"REDUCED_REDUNDANCY={scheme}"]
        server.front.start()
        wait_until(lambda: not server.front.alive(), "the server ends")
        log = server.front.log()
        assert "storage" in log and words in log, log
        server.stop()


def test_what_was_stored_follows_a_changed_setting(tmp_path):
    server = topology.serve(tmp_path)
    server.start()
    s3 = client_at(server.endpoint)
    s3.create_bucket(Bucket="photos")
    body = os.urandom(MIB)
    s3.put_object(Bucket="photos", Key="a", Body=body, StorageClass="REDUCED_REDUNDANCY")
    assert report(server, "photos") == ({"REDUCED_REDUNDANCY": ("3+1", 1)}, 0)
    server.stop()
    server.front.arguments += ["--storage-class", "REDUCED_REDUNDANCY=bucket"]
    server.start()
    wait_until(lambda: report(server, "photos") == ({}, 0), "the object is encoded as its bucket")
    assert client_at(server.endpoint).get_object(Bucket="photos", Key="a")["Body"].read() == body
    server.stop()
