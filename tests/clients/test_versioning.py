"""Versions, delete markers and tags, through boto3."""

import concurrent.futures
import itertools
import time

import pytest
from botocore.exceptions import ClientError
from test_boto3 import body, refused


@pytest.fixture
def versioned(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def put(s3, bucket, key, content, **more):
    return s3.put_object(Bucket=bucket, Key=key, Body=content, **more).get("VersionId")


def listed(s3, bucket, **more):
    """All versions and delete markers: key, version, whether it is the latest and whether it is a marker."""
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, **more)
    entries = []
    for page in pages:
        entries += [(v["Key"], v["VersionId"], v["IsLatest"], False) for v in page.get("Versions", [])]
        entries += [(m["Key"], m["VersionId"], m["IsLatest"], True) for m in page.get("DeleteMarkers", [])]
    return entries


def test_a_bucket_says_whether_it_keeps_versions(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    for status in ["Enabled", "Suspended", "Enabled"]:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == status
    refused(
        "NotImplemented", 501, s3.put_bucket_versioning,
        Bucket=bucket, VersioningConfiguration={"Status": "Enabled", "MFADelete": "Enabled"},
    )


def test_an_object_of_a_bucket_without_versions_has_none_to_name(s3, bucket):
    assert put(s3, bucket, "k", b"1") is None
    assert "VersionId" not in s3.get_object(Bucket=bucket, Key="k")
    assert body(s3, bucket, "k", VersionId="null") == b"1"
    assert listed(s3, bucket) == [("k", "null", True, False)]
    refused("NoSuchVersion", 404, s3.get_object, Bucket=bucket, Key="k", VersionId="00000000000000ff")
    refused("InvalidArgument", 400, s3.get_object, Bucket=bucket, Key="k", VersionId="mine")


def test_every_write_is_a_version_that_stays(s3, versioned):
    versions = [put(s3, versioned, "k", content) for content in (b"1", b"22", b"x" * 100_000)]
    assert len(set(versions)) == 3
    assert body(s3, versioned, "k") == b"x" * 100_000
    assert s3.head_object(Bucket=versioned, Key="k")["VersionId"] == versions[2]
    assert [body(s3, versioned, "k", VersionId=version) for version in versions[:2]] == [b"1", b"22"]
    assert s3.head_object(Bucket=versioned, Key="k", VersionId=versions[0])["ContentLength"] == 1
    assert listed(s3, versioned) == [("k", v, v == versions[2], False) for v in reversed(versions)]
    listing = s3.list_objects_v2(Bucket=versioned)["Contents"]
    assert [(entry["Key"], entry["Size"]) for entry in listing] == [("k", 100_000)]


def test_a_deletion_hides_the_object_and_its_removal_brings_it_back(s3, versioned):
    version = put(s3, versioned, "k", b"1")
    deleted = s3.delete_object(Bucket=versioned, Key="k")
    assert deleted["DeleteMarker"] is True
    marker = deleted["VersionId"]
    assert s3.list_objects_v2(Bucket=versioned)["KeyCount"] == 0
    response = refused("NoSuchKey", 404, s3.get_object, Bucket=versioned, Key="k")
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["x-amz-delete-marker"], headers["x-amz-version-id"]) == ("true", marker)
    response = refused("MethodNotAllowed", 405, s3.get_object, Bucket=versioned, Key="k", VersionId=marker)
    headers = response["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["x-amz-delete-marker"], headers["allow"]) == ("true", "DELETE")
    with pytest.raises(ClientError) as caught:
        s3.head_object(Bucket=versioned, Key="k", VersionId=marker)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 405
    assert listed(s3, versioned) == [("k", version, False, False), ("k", marker, True, True)]
    assert body(s3, versioned, "k", VersionId=version) == b"1"
    undeleted = s3.delete_object(Bucket=versioned, Key="k", VersionId=marker)
    assert (undeleted["DeleteMarker"], undeleted["VersionId"]) == (True, marker)
    assert body(s3, versioned, "k") == b"1"
    assert listed(s3, versioned) == [("k", version, True, False)]


def test_the_version_before_takes_the_place_of_one_that_is_removed(s3, versioned):
    versions = [put(s3, versioned, "k", content) for content in (b"1", b"2", b"3")]
    removed = s3.delete_object(Bucket=versioned, Key="k", VersionId=versions[2])
    assert removed["VersionId"] == versions[2] and "DeleteMarker" not in removed
    assert body(s3, versioned, "k") == b"2"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=versions[0])
    assert listed(s3, versioned) == [("k", versions[1], True, False)]
    s3.delete_object(Bucket=versioned, Key="k", VersionId=versions[1])
    assert listed(s3, versioned) == []
    refused("NoSuchVersion", 404, s3.get_object, Bucket=versioned, Key="k", VersionId=versions[1])
    assert s3.delete_object(Bucket=versioned, Key="k", VersionId=versions[1])["VersionId"] == versions[1]


def test_a_bucket_with_nothing_but_versions_is_not_empty(s3, versioned):
    put(s3, versioned, "k", b"1")
    s3.delete_object(Bucket=versioned, Key="k")
    refused("BucketNotEmpty", 409, s3.delete_bucket, Bucket=versioned)
    for key, version, _, _ in listed(s3, versioned):
        s3.delete_object(Bucket=versioned, Key=key, VersionId=version)
    s3.delete_bucket(Bucket=versioned)


def test_while_versioning_is_suspended_writes_replace_the_null_version(s3, bucket):
    put(s3, bucket, "k", b"before")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = put(s3, bucket, "k", b"version")
    assert body(s3, bucket, "k", VersionId="null") == b"before"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert put(s3, bucket, "k", b"after") == "null"
    assert listed(s3, bucket) == [("k", "null", True, False), ("k", version, False, False)]
    assert body(s3, bucket, "k", VersionId="null") == b"after"
    deleted = s3.delete_object(Bucket=bucket, Key="k")
    assert (deleted["DeleteMarker"], deleted["VersionId"]) == (True, "null")
    assert listed(s3, bucket) == [("k", version, False, False), ("k", "null", True, True)]
    s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    assert body(s3, bucket, "k") == b"version"


@pytest.mark.parametrize("page", [1, 2, 3, 7, 1000])
def test_pages_of_versions_join_without_gap_or_double(s3, versioned, page):
    for key in ["a", "b/1", "b/2", "c"]:
        for content in (b"1", b"2", b"3"):
            put(s3, versioned, key, content)
    for key in ["a", "b/2", "only-a-marker"]:
        s3.delete_object(Bucket=versioned, Key=key)
    whole = [entry[:3] for entry in listed(s3, versioned)]
    assert len(whole) == 15
    paged = [entry[:3] for entry in listed(s3, versioned, PaginationConfig={"PageSize": page})]
    assert sorted(paged) == sorted(whole)
    for key, entries in itertools.groupby(sorted(paged), key=lambda entry: entry[0]):
        assert sum(latest for _, _, latest in entries) == 1, key
    with_groups = s3.list_object_versions(Bucket=versioned, Delimiter="/", MaxKeys=1000)
    assert [group["Prefix"] for group in with_groups["CommonPrefixes"]] == ["b/"]
    assert {entry["Key"] for entry in with_groups["Versions"]} == {"a", "c"}
    assert [key for key, _, _, _ in listed(s3, versioned, Prefix="b/1")] == ["b/1"] * 3
    refused("InvalidArgument", 400, s3.list_object_versions, Bucket=versioned, VersionIdMarker="null")


def test_a_version_is_copied_with_its_bytes_metadata_and_tags(s3, versioned):
    old = put(s3, versioned, "k", b"old", Metadata={"a": "1"}, Tagging="t=1")
    put(s3, versioned, "k", b"new")
    source = {"Bucket": versioned, "Key": "k", "VersionId": old}
    copy = s3.copy_object(Bucket=versioned, Key="copy", CopySource=source)
    assert copy["CopySourceVersionId"] == old
    got = s3.get_object(Bucket=versioned, Key="copy")
    assert (got["Body"].read(), got["Metadata"], got["TagCount"]) == (b"old", {"a": "1"}, 1)
    assert got["VersionId"] == copy["VersionId"]
    restored = s3.copy_object(Bucket=versioned, Key="k", CopySource=source)
    assert body(s3, versioned, "k") == b"old" and restored["VersionId"] != old
    s3.delete_object(Bucket=versioned, Key="k")
    marker = next(version for key, version, _, is_marker in listed(s3, versioned) if is_marker)
    refused(
        "InvalidRequest", 400, s3.copy_object, Bucket=versioned, Key="x", CopySource={**source, "VersionId": marker}
    )
    refused("NoSuchKey", 404, s3.copy_object, Bucket=versioned, Key="x", CopySource={"Bucket": versioned, "Key": "k"})


def test_a_multipart_upload_makes_a_version(s3, versioned):
    old = put(s3, versioned, "k", b"old")
    upload = s3.create_multipart_upload(Bucket=versioned, Key="k", Tagging="a=b")["UploadId"]
    part = s3.upload_part(Bucket=versioned, Key="k", UploadId=upload, PartNumber=1, Body=b"part")
    done = s3.complete_multipart_upload(
        Bucket=versioned, Key="k", UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    assert body(s3, versioned, "k", VersionId=done["VersionId"]) == b"part"
    assert body(s3, versioned, "k", VersionId=old) == b"old"
    assert s3.get_object_tagging(Bucket=versioned, Key="k")["TagSet"] == [{"Key": "a", "Value": "b"}]


def test_many_versions_are_deleted_at_once(s3, versioned):
    first, second = (put(s3, versioned, "k", content) for content in (b"1", b"2"))
    objects = [{"Key": "k", "VersionId": first}, {"Key": "k"}, {"Key": "k", "VersionId": "nonsense"}]
    answer = s3.delete_objects(Bucket=versioned, Delete={"Objects": objects})
    by_version = {entry.get("VersionId"): entry for entry in answer["Deleted"]}
    assert "DeleteMarker" not in by_version[first]
    marker = by_version[None]["DeleteMarkerVersionId"]
    assert by_version[None]["DeleteMarker"] is True
    assert [(error["Code"], error["VersionId"]) for error in answer["Errors"]] == [("NoSuchVersion", "nonsense")]
    assert listed(s3, versioned) == [("k", second, False, False), ("k", marker, True, True)]
    again = s3.delete_objects(Bucket=versioned, Delete={"Objects": [{"Key": "k", "VersionId": marker}]})
    assert again["Deleted"] == [
        {"Key": "k", "VersionId": marker, "DeleteMarker": True, "DeleteMarkerVersionId": marker}
    ]
    assert body(s3, versioned, "k") == b"2"


def test_a_listing_goes_on_where_the_null_version_it_stopped_at_is_gone(s3, versioned):
    oldest = put(s3, versioned, "k", b"1")
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})
    put(s3, versioned, "k", b"2")
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Enabled"})
    newest, last = put(s3, versioned, "k", b"3"), put(s3, versioned, "l", b"4")
    page = s3.list_object_versions(Bucket=versioned, MaxKeys=2)
    assert [version["VersionId"] for version in page["Versions"]] == [newest, "null"]
    marker = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
    assert [v["VersionId"] for v in s3.list_object_versions(Bucket=versioned, **marker)["Versions"]] == [oldest, last]
    s3.delete_object(Bucket=versioned, Key="k", VersionId="null")
    rest = s3.list_object_versions(Bucket=versioned, **marker)["Versions"]
    # What it had before is not known any more, so it is told again.
    assert [(v["VersionId"], v["IsLatest"]) for v in rest] == [(newest, True), (oldest, False), (last, True)]


def test_a_deletion_obeys_its_conditions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    other = '"d41d8cd98f00b204e9800998ecf8427e"'
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    refused("PreconditionFailed", 412, s3.delete_object, Bucket=bucket, Key="k", IfMatch=other)
    refused("PreconditionFailed", 412, s3.delete_object, Bucket=bucket, Key="k", IfMatchSize=2)
    refused(
        "PreconditionFailed", 412, s3.delete_object, Bucket=bucket, Key="k",
        IfMatchLastModifiedTime=modified.replace(year=2001),
    )
    answer = s3.delete_objects(
        Bucket=bucket,
        Delete={"Objects": [{"Key": "k", "ETag": other}, {"Key": "absent", "ETag": "*"}, {"Key": "gone", "Size": 1}]},
    )
    assert [(error["Key"], error["Code"]) for error in answer["Errors"]] == [
        ("k", "PreconditionFailed"), ("absent", "PreconditionFailed")
    ]
    assert [entry["Key"] for entry in answer["Deleted"]] == ["gone"]
    assert body(s3, bucket, "k") == b"1"
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag, IfMatchSize=1, IfMatchLastModifiedTime=modified)
    refused("PreconditionFailed", 412, s3.delete_object, Bucket=bucket, Key="k", IfMatch="*")


def test_of_many_conditional_deletions_exactly_one_wins(s3, bucket):
    def delete(_):
        try:
            s3.delete_object(Bucket=bucket, Key="k", IfMatch="*")
            return 204
        except ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            s3.put_object(Bucket=bucket, Key="k", Body=b"1")
            outcomes = sorted(pool.map(delete, range(8)))
            assert outcomes == [204] + [412] * 7


def test_a_conditional_write_looks_at_the_current_version(s3, versioned):
    etag = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["ETag"]
    refused("PreconditionFailed", 412, s3.put_object, Bucket=versioned, Key="k", Body=b"2", IfNoneMatch="*")
    s3.delete_object(Bucket=versioned, Key="k")
    refused("NoSuchKey", 404, s3.put_object, Bucket=versioned, Key="k", Body=b"2", IfMatch=etag)
    put(s3, versioned, "k", b"3", IfNoneMatch="*")
    assert body(s3, versioned, "k") == b"3"


def test_tags_are_kept_by_version(s3, versioned):
    first = put(s3, versioned, "k", b"1", Tagging="project=blue&empty=")
    second = put(s3, versioned, "k", b"2")
    assert s3.head_object(Bucket=versioned, Key="k", VersionId=first)["TagCount"] == 2
    tags = s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=first)
    assert tags["TagSet"] == [{"Key": "project", "Value": "blue"}, {"Key": "empty", "Value": ""}]
    changed = s3.put_object_tagging(
        Bucket=versioned, Key="k", VersionId=first, Tagging={"TagSet": [{"Key": "a", "Value": "b c"}]}
    )
    assert changed["VersionId"] == first
    assert s3.get_object_tagging(Bucket=versioned, Key="k")["TagSet"] == []
    s3.put_object_tagging(Bucket=versioned, Key="k", Tagging={"TagSet": [{"Key": "x", "Value": "y"}]})
    assert s3.delete_object_tagging(Bucket=versioned, Key="k")["VersionId"] == second
    assert s3.get_object_tagging(Bucket=versioned, Key="k")["TagSet"] == []
    assert s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=first)["TagSet"][0]["Value"] == "b c"


def test_tags_that_break_a_rule_are_refused_and_the_old_ones_stay(s3, bucket):
    put(s3, bucket, "k", b"1", Tagging="a=1")
    many = [{"Key": f"k{i}", "Value": ""} for i in range(11)]
    for tags, code in [
        (many, "BadRequest"),
        ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], "InvalidTag"),
        ([{"Key": "a" * 129, "Value": ""}], "InvalidTag"),
        ([{"Key": "a", "Value": "v" * 257}], "InvalidTag"),
        ([{"Key": "aws:mine", "Value": ""}], "InvalidTag"),
    ]:
        refused(code, 400, s3.put_object_tagging, Bucket=bucket, Key="k", Tagging={"TagSet": tags})
    refused("InvalidArgument", 400, s3.put_object, Bucket=bucket, Key="k", Body=b"2", Tagging="a=1&a=2")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}]
    assert body(s3, bucket, "k") == b"1"
    refused("NoSuchKey", 404, s3.get_object_tagging, Bucket=bucket, Key="absent")


def test_a_copy_keeps_or_replaces_tags(s3, bucket):
    put(s3, bucket, "k", b"1", Tagging="a=1")
    source = {"Bucket": bucket, "Key": "k"}
    s3.copy_object(Bucket=bucket, Key="kept", CopySource=source)
    s3.copy_object(Bucket=bucket, Key="replaced", CopySource=source, TaggingDirective="REPLACE", Tagging="b=2")
    tags = {key: s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"] for key in ("kept", "replaced")}
    assert tags == {"kept": [{"Key": "a", "Value": "1"}], "replaced": [{"Key": "b", "Value": "2"}]}


def test_versions_outlive_a_kill_and_the_loss_of_the_database(running):
    from conftest import client_at

    s3 = client_at(running.endpoint)
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    contents = [b"1", b"2" * 5000, b"3" * 200_000]
    versions = [put(s3, "kept", "k", content) for content in contents]
    s3.delete_object(Bucket="kept", Key="k")
    before = listed(s3, "kept")
    running.front.kill()
    for database in running.folder.glob("drive*/metadata/*"):
        database.unlink()
    running.start_front()
    s3 = client_at(running.endpoint)
    assert listed(s3, "kept") == before
    assert [body(s3, "kept", "k", VersionId=version) for version in versions] == contents
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            assert put(s3, "kept", "k", b"4") not in versions
            break
        except ClientError:
            time.sleep(0.2)
    assert body(s3, "kept", "k") == b"4"
