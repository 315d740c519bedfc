"""Object Lock, through boto3."""

import concurrent.futures
import datetime
import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError
from test_boto3 import body, refused


def after(**more):
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(**more)).replace(microsecond=0)


@pytest.fixture
def locking(s3):
    """A bucket with Object Lock."""
    name = f"lock-{uuid.uuid4().hex[:20]}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


def put(s3, bucket, key="k", content=b"1", **more):
    return s3.put_object(Bucket=bucket, Key=key, Body=content, **more)["VersionId"]


def test_a_bucket_with_object_lock_keeps_versions_and_its_lock(s3, locking, bucket):
    assert s3.get_bucket_versioning(Bucket=locking)["Status"] == "Enabled"
    configuration = s3.get_object_lock_configuration(Bucket=locking)["ObjectLockConfiguration"]
    assert configuration == {"ObjectLockEnabled": "Enabled"}
    refused(
        "InvalidBucketState", 409, s3.put_bucket_versioning,
        Bucket=locking, VersioningConfiguration={"Status": "Suspended"},
    )
    refused("ObjectLockConfigurationNotFoundError", 404, s3.get_object_lock_configuration, Bucket=bucket)
    enabled = {"ObjectLockEnabled": "Enabled"}
    refused(
        "InvalidBucketState", 409, s3.put_object_lock_configuration, Bucket=bucket, ObjectLockConfiguration=enabled
    )
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=enabled)
    assert s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"] == enabled


def test_a_default_retention_is_given_to_what_is_written(s3, locking):
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}}
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(Bucket=locking, ObjectLockConfiguration=configuration)
    assert s3.get_object_lock_configuration(Bucket=locking)["ObjectLockConfiguration"] == configuration
    version = put(s3, locking)
    head = s3.head_object(Bucket=locking, Key="k")
    assert head["ObjectLockMode"] == "GOVERNANCE"
    assert abs(head["ObjectLockRetainUntilDate"] - after(days=3)) < datetime.timedelta(minutes=2)
    upload = s3.create_multipart_upload(Bucket=locking, Key="large")["UploadId"]
    part = s3.upload_part(Bucket=locking, Key="large", UploadId=upload, PartNumber=1, Body=b"1")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=locking, Key="large", UploadId=upload, MultipartUpload=parts)
    s3.copy_object(Bucket=locking, Key="copy", CopySource={"Bucket": locking, "Key": "k"})
    for key in ["large", "copy"]:
        assert s3.head_object(Bucket=locking, Key=key)["ObjectLockMode"] == "GOVERNANCE", key
    refused("AccessDenied", 403, s3.delete_object, Bucket=locking, Key="k", VersionId=version)
    for bad in [{"Mode": "GOVERNANCE", "Days": 0}, {"Mode": "COMPLIANCE", "Years": 200}]:
        refused(
            "InvalidArgument", 400, s3.put_object_lock_configuration, Bucket=locking,
            ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": bad}},
        )
    assert s3.get_object_lock_configuration(Bucket=locking)["ObjectLockConfiguration"] == configuration


def test_governance_holds_until_someone_bypasses_it(s3, locking):
    version = put(s3, locking, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=after(hours=1))
    refused("AccessDenied", 403, s3.delete_object, Bucket=locking, Key="k", VersionId=version)
    shorter = {"Mode": "GOVERNANCE", "RetainUntilDate": after(minutes=1)}
    refused("AccessDenied", 403, s3.put_object_retention, Bucket=locking, Key="k", Retention=shorter)
    longer = {"Mode": "GOVERNANCE", "RetainUntilDate": after(hours=2)}
    s3.put_object_retention(Bucket=locking, Key="k", Retention=longer)
    assert s3.get_object_retention(Bucket=locking, Key="k")["Retention"] == longer
    s3.put_object_retention(Bucket=locking, Key="k", Retention=shorter, BypassGovernanceRetention=True)
    assert s3.get_object_retention(Bucket=locking, Key="k", VersionId=version)["Retention"] == shorter
    refused("AccessDenied", 403, s3.delete_object, Bucket=locking, Key="k", VersionId=version)
    s3.delete_object(Bucket=locking, Key="k", VersionId=version, BypassGovernanceRetention=True)
    refused("NoSuchKey", 404, s3.get_object, Bucket=locking, Key="k")


def test_compliance_holds_whoever_asks_until_its_date(s3, locking):
    until = after(seconds=4)
    version = put(s3, locking, ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until)
    weaker = {"Mode": "GOVERNANCE", "RetainUntilDate": after(hours=1)}
    for attempt, arguments in [
        (s3.delete_object, {"VersionId": version}),
        (s3.delete_object, {"VersionId": version, "BypassGovernanceRetention": True}),
        (s3.put_object_retention, {"Retention": weaker, "BypassGovernanceRetention": True}),
        (s3.put_object_retention, {"Retention": {}, "BypassGovernanceRetention": True}),
    ]:
        refused("AccessDenied", 403, attempt, Bucket=locking, Key="k", **arguments)
    answer = s3.delete_objects(
        Bucket=locking, BypassGovernanceRetention=True, Delete={"Objects": [{"Key": "k", "VersionId": version}]}
    )
    assert [error["Code"] for error in answer["Errors"]] == ["AccessDenied"]
    assert body(s3, locking, "k") == b"1"
    time.sleep((until - datetime.datetime.now(datetime.UTC)).total_seconds() + 0.1)
    s3.delete_object(Bucket=locking, Key="k", VersionId=version)
    refused("NoSuchKey", 404, s3.get_object, Bucket=locking, Key="k")


def test_a_legal_hold_holds_until_it_is_lifted(s3, locking):
    version = put(s3, locking, ObjectLockLegalHoldStatus="ON")
    assert s3.get_object_legal_hold(Bucket=locking, Key="k")["LegalHold"]["Status"] == "ON"
    assert s3.head_object(Bucket=locking, Key="k")["ObjectLockLegalHoldStatus"] == "ON"
    for bypass in (False, True):
        refused(
            "AccessDenied", 403, s3.delete_object,
            Bucket=locking, Key="k", VersionId=version, BypassGovernanceRetention=bypass,
        )
    s3.put_object_legal_hold(Bucket=locking, Key="k", LegalHold={"Status": "OFF"})
    assert s3.get_object_legal_hold(Bucket=locking, Key="k")["LegalHold"]["Status"] == "OFF"
    s3.delete_object(Bucket=locking, Key="k", VersionId=version)


def test_a_locked_version_may_be_hidden_and_overwritten(s3, locking):
    version = put(s3, locking, ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=after(seconds=30))
    newer = put(s3, locking, content=b"2")
    assert s3.delete_object(Bucket=locking, Key="k")["DeleteMarker"] is True
    s3.delete_object(Bucket=locking, Key="k", VersionId=newer)
    assert body(s3, locking, "k", VersionId=version) == b"1"
    refused("BucketNotEmpty", 409, s3.delete_bucket, Bucket=locking)


def test_a_copy_does_not_take_the_lock_along(s3, locking):
    put(s3, locking, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=after(hours=1), ObjectLockLegalHoldStatus="ON")
    s3.copy_object(Bucket=locking, Key="copy", CopySource={"Bucket": locking, "Key": "k"})
    head = s3.head_object(Bucket=locking, Key="copy")
    assert "ObjectLockMode" not in head and "ObjectLockLegalHoldStatus" not in head
    refused("NoSuchObjectLockConfiguration", 404, s3.get_object_retention, Bucket=locking, Key="copy")
    refused("NoSuchObjectLockConfiguration", 404, s3.get_object_legal_hold, Bucket=locking, Key="copy")


def test_a_lock_that_makes_no_sense_is_refused(s3, locking, bucket):
    hour = after(hours=1)
    for arguments in [
        {"ObjectLockMode": "GOVERNANCE"},
        {"ObjectLockRetainUntilDate": hour},
        {"ObjectLockMode": "FOREVER", "ObjectLockRetainUntilDate": hour},
        {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": after(hours=-1)},
        {"ObjectLockLegalHoldStatus": "MAYBE"},
    ]:
        refused("InvalidArgument", 400, s3.put_object, Bucket=locking, Key="k", Body=b"1", **arguments)
    put(s3, locking)
    past = {"Mode": "GOVERNANCE", "RetainUntilDate": after(hours=-1)}
    refused("InvalidArgument", 400, s3.put_object_retention, Bucket=locking, Key="k", Retention=past)
    half = {"Mode": "GOVERNANCE"}
    refused("MalformedXML", 400, s3.put_object_retention, Bucket=locking, Key="k", Retention=half)
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    for attempt, arguments in [
        (s3.put_object, {"Body": b"2", "ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": hour}),
        (s3.put_object, {"Body": b"2", "ObjectLockLegalHoldStatus": "ON"}),
        (s3.put_object_legal_hold, {"LegalHold": {"Status": "ON"}}),
        (s3.put_object_retention, {"Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": hour}}),
        (s3.get_object_retention, {}),
        (s3.get_object_legal_hold, {}),
    ]:
        refused("InvalidRequest", 400, attempt, Bucket=bucket, Key="k", **arguments)
    assert body(s3, bucket, "k") == b"1"


def test_policies_see_the_lock_that_a_document_asks_for(s3, locking):
    def denies(action, condition):
        statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": f"arn:aws:s3:::{locking}/*", "Condition": condition}
        s3.put_bucket_policy(Bucket=locking, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))

    def retention(days, mode="GOVERNANCE"):
        return {"Bucket": locking, "Key": "k", "Retention": {"Mode": mode, "RetainUntilDate": after(days=days)}}

    put(s3, locking)
    for condition in [
        {"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": "10"}},
        {"DateGreaterThan": {"s3:object-lock-retain-until-date": after(days=10).isoformat().replace("+00:00", "Z")}},
    ]:
        denies("s3:PutObjectRetention", condition)
        refused("AccessDenied", 403, s3.put_object_retention, **retention(20))
        s3.put_object_retention(**retention(5))
    denies("s3:PutObjectRetention", {"StringEquals": {"s3:object-lock-mode": "COMPLIANCE"}})
    refused("AccessDenied", 403, s3.put_object_retention, **retention(6, "COMPLIANCE"))
    s3.put_object_retention(**retention(6))
    denies("s3:PutObjectLegalHold", {"StringEquals": {"s3:object-lock-legal-hold": "ON"}})
    refused("AccessDenied", 403, s3.put_object_legal_hold, Bucket=locking, Key="k", LegalHold={"Status": "ON"})
    s3.put_object_legal_hold(Bucket=locking, Key="k", LegalHold={"Status": "OFF"})


def test_of_a_hold_and_a_removal_at_once_only_one_happens(s3, locking):
    """Whichever comes first: a version that is said to be held is there."""

    def outcome(call, **arguments):
        try:
            call(Bucket=locking, Key="k", **arguments)
            return True
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404)
            return False

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _ in range(30):
            version = put(s3, locking)
            held = pool.submit(
                outcome, s3.put_object_legal_hold, VersionId=version, LegalHold={"Status": "ON"}
            )
            removed = pool.submit(outcome, s3.delete_object, VersionId=version)
            assert held.result() != removed.result()
            if held.result():
                assert body(s3, locking, "k", VersionId=version) == b"1"
