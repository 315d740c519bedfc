"""Access logs arrive in their buckets, in AWS's form."""

import http.client
import re

import pytest
from conftest import client_at

import topology

FIELD = re.compile(r'"[^"]*"|\[[^\]]*\]|\S+')
FIELDS = (
    "owner bucket time remote_ip requester request_id operation key uri status error sent size took turn_around "
    "referer agent version host_id signature cipher auth host tls access_point acl"
).split()


@pytest.fixture(params=["serve", "cluster"])
def logging_server(request, tmp_path):
    running = getattr(topology, request.param)(tmp_path)
    running.front.arguments += ["--access-log-interval", "1"]
    running.start()
    yield running
    running.stop()


@pytest.fixture
def s3(logging_server):
    return client_at(logging_server.endpoint)


def enable(s3, source="photos", prefix="logs/", **key_format):
    for bucket in [source, "archive"]:
        s3.create_bucket(Bucket=bucket)
    target = {"TargetBucket": "archive", "TargetPrefix": prefix}
    if key_format:
        target["TargetObjectKeyFormat"] = key_format
    s3.put_bucket_logging(Bucket=source, BucketLoggingStatus={"LoggingEnabled": target})


def keys(s3):
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket="archive").get("Contents", [])]


def records(s3):
    text = "".join(s3.get_object(Bucket="archive", Key=key)["Body"].read().decode() for key in keys(s3))
    found = []
    for line in text.splitlines():
        fields = FIELD.findall(line)
        assert len(fields) == len(FIELDS), line
        found.append(dict(zip(FIELDS, fields)))
    return found


def wait_for(s3, *operations):
    def missing():
        there = [record["operation"] for record in records(s3)]
        return [operation for operation in operations if operation not in there]

    topology.wait_until(lambda: not missing(), f"log of {operations}")
    return {record["operation"]: record for record in records(s3)}


def test_every_request_to_a_logged_bucket_has_its_line(logging_server, s3):
    enable(s3)
    put = s3.put_object(Bucket="photos", Key="a b", Body=b"12345")
    s3.get_object(Bucket="photos", Key="a b", Range="bytes=0-1")["Body"].read()
    s3.list_objects_v2(Bucket="photos")
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="photos", Key="missing")
    url = s3.generate_presigned_url("head_object", Params={"Bucket": "photos", "Key": "a b"})
    secret = url.split("X-Amz-Signature=")[1].split("&")[0]
    connection = http.client.HTTPConnection(logging_server.address)
    connection.request("HEAD", url.removeprefix(logging_server.endpoint))
    assert connection.getresponse().status == 200
    connection.close()

    lines = wait_for(s3, "REST.PUT.OBJECT", "REST.GET.OBJECT", "REST.GET.BUCKET", "REST.HEAD.OBJECT")
    line = lines["REST.PUT.OBJECT"]
    assert line["bucket"] == "photos" and line["key"] == "a%20b" and line["remote_ip"] == "127.0.0.1"
    assert line["request_id"] == put["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"]
    assert (line["status"], line["error"], line["size"]) == ("200", "-", "5")
    assert (line["signature"], line["auth"], line["host"]) == ("SigV4", "AuthHeader", logging_server.address)
    assert line["requester"] == line["owner"] != "-"
    reads = [record for record in records(s3) if record["operation"] == "REST.GET.OBJECT"]
    assert sorted((read["status"], read["error"]) for read in reads) == [("206", "-"), ("404", "NoSuchKey")]
    ranged = next(read for read in reads if read["status"] == "206")
    assert (ranged["sent"], ranged["size"]) == ("2", "5")
    presigned = lines["REST.HEAD.OBJECT"]
    assert presigned["auth"] == "QueryString" and secret not in str(records(s3))
    assert all(key.startswith("logs/") for key in keys(s3))
    assert all(re.fullmatch(r"logs/\d{4}(-\d\d){5}-[0-9A-F]{16}", key) for key in keys(s3)), keys(s3)


def test_partitions_name_the_source_and_the_day(s3):
    enable(s3, PartitionedPrefix={"PartitionDateSource": "EventTime"})
    s3.put_object(Bucket="photos", Key="k", Body=b"")
    wait_for(s3, "REST.PUT.OBJECT")
    form = r"logs/[0-9a-f]{64}/local/photos/(\d{4})/(\d\d)/(\d\d)/\1-\2-\3-00-00-00-[0-9A-F]{16}"
    assert all(re.fullmatch(form, key) for key in keys(s3)), keys(s3)


def test_a_stop_in_order_delivers_what_waits(logging_server, s3):
    logging_server.front.arguments[-1] = "86400"
    logging_server.front.terminate()
    logging_server.start_front()
    enable(s3)
    s3.put_object(Bucket="photos", Key="k", Body=b"")
    assert keys(s3) == []
    logging_server.front.terminate()
    logging_server.start_front()
    assert "REST.PUT.OBJECT" in [record["operation"] for record in records(s3)]


def test_other_buckets_are_not_logged_and_logging_ends_when_it_is_switched_off(s3):
    enable(s3)
    s3.create_bucket(Bucket="other")
    s3.put_object(Bucket="other", Key="k", Body=b"")
    s3.put_object(Bucket="photos", Key="first", Body=b"")
    wait_for(s3, "REST.PUT.OBJECT")
    s3.put_bucket_logging(Bucket="photos", BucketLoggingStatus={})
    s3.put_object(Bucket="photos", Key="second", Body=b"")
    s3.put_bucket_logging(
        Bucket="photos",
        BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "archive", "TargetPrefix": "later/"}},
    )
    s3.delete_object(Bucket="photos", Key="first")
    wait_for(s3, "REST.DELETE.OBJECT")
    logged = records(s3)
    assert "second" not in [record["key"] for record in logged]
    assert {record["bucket"] for record in logged} == {"photos"}


def test_each_key_of_a_batch_that_is_deleted_has_a_line(s3):
    enable(s3)
    s3.put_object(Bucket="photos", Key="a b", Body=b"1")
    keys = [{"Key": "a b"}, {"Key": "c"}, {"Key": "d", "VersionId": "nonsense"}]
    deleted = s3.delete_objects(Bucket="photos", Delete={"Objects": keys})
    request = deleted["ResponseMetadata"]["RequestId"]
    wait_for(s3, "REST.POST.MULTI_OBJECT_DELETE", "BATCH.DELETE.OBJECT")
    lines = [line for line in records(s3) if line["request_id"] == request]
    assert [line["operation"] for line in lines] == ["REST.POST.MULTI_OBJECT_DELETE"] + 3 * ["BATCH.DELETE.OBJECT"]
    assert [(line["key"], line["status"], line["error"], line["version"]) for line in lines[1:]] == [
        ("a%20b", "204", "-", "-"), ("c", "204", "-", "-"), ("d", "404", "NoSuchVersion", "nonsense"),
    ]
