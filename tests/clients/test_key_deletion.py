"""Deletion of named encryption keys: the wait, what is refused meanwhile, and what is left."""

import pytest
import topology
from conftest import client_at
from test_admin import ask
from test_boto3 import refused
from topology import wait_until


@pytest.fixture(params=["serve", "cluster"])
def running(request, tmp_path):
    """Days of a second."""
    running = getattr(topology, request.param)(tmp_path)
    running.front.arguments += ["--lifecycle-day", "1"]
    running.start()
    yield running
    running.stop()


def kms(key):
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}


def key_of(running, name):
    keys = ask(running, "GET", "/api/v1/keyring")[2]["keys"]
    return next(key for key in keys if key["id"] == name)


def test_a_key_goes_after_its_wait_and_what_is_under_it_has_a_clear_code(running):
    s3 = client_at(running.endpoint, retries={"max_attempts": 0})
    s3.create_bucket(Bucket="photos")
    for name in ["doomed", "kept"]:
        running.admin("keyring", "create", name)
        s3.put_object(Bucket="photos", Key=name, Body=name.encode() * 1000, **kms(name))
        said = running.admin("keyring", "delete", name, "--days", "30" if name == "kept" else "7")
        assert "deleted on" in said
        status = key_of(running, name)
        assert status["state"] in ("pending-deletion", "deleted") and not status["enabled"]
    invalid = "KMS.KMSInvalidStateException"
    refused(invalid, 400, lambda: s3.get_object(Bucket="photos", Key="kept"))
    refused(invalid, 400, lambda: s3.put_object(Bucket="photos", Key="new", Body=b"", **kms("kept")))
    assert s3.head_object(Bucket="photos", Key="kept")["SSEKMSKeyId"] == "kept"
    for verb in ["enable", "disable", "rotate", "delete"]:
        assert "is to be deleted" in refusal(running, verb, "kept")
    running.admin("keyring", "keep", "kept")
    refused("KMS.DisabledException", 400, lambda: s3.get_object(Bucket="photos", Key="kept"))
    running.admin("keyring", "enable", "kept")
    assert s3.get_object(Bucket="photos", Key="kept")["Body"].read() == b"kept" * 1000

    wait_until(lambda: key_of(running, "doomed")["state"] == "deleted", "the key is deleted")
    assert key_of(running, "doomed")["versions"] == 0
    for again in [False, True]:
        if again:
            running.stop()
            running.start()
            s3 = client_at(running.endpoint, retries={"max_attempts": 0})
        refused("KMS.NotFoundException", 400, lambda: s3.get_object(Bucket="photos", Key="doomed"))
        refused("KMS.NotFoundException", 400, lambda: s3.put_object(Bucket="photos", Key="n", Body=b"", **kms("doomed")))
        assert s3.get_object(Bucket="photos", Key="kept")["Body"].read() == b"kept" * 1000
    assert "not used again" in ask(running, "POST", "/api/v1/keyring", '{"id": "doomed"}')[2]["error"]
    s3.delete_object(Bucket="photos", Key="doomed")
    refused("NoSuchKey", 404, lambda: s3.get_object(Bucket="photos", Key="doomed"))


def refusal(running, verb, name, body="{}"):
    status, _, said = ask(running, "POST", f"/api/v1/keyring/{name}/{verb}", body)
    assert status in (400, 404, 409), said
    return said["error"]


def test_deletions_that_make_no_sense_are_refused_with_a_sentence(running):
    s3 = client_at(running.endpoint)
    s3.create_bucket(Bucket="photos")
    s3.put_object(Bucket="photos", Key="a", Body=b"", ServerSideEncryption="AES256")
    running.admin("keyring", "create", "k")
    for days in [0, 6, 31]:
        assert "7 to 30" in refusal(running, "delete", "k", f'{{"days": {days}}}')
    assert "server's own" in refusal(running, "delete", "aws%2Fs3-managed")
    assert "does not wait" in refusal(running, "keep", "k")
    assert "there is no key" in refusal(running, "delete", "nothing")
    assert key_of(running, "k")["enabled"]
