"""Server-side encryption, through boto3: with the server's key, with named keys, and with keys of clients."""

import base64
import hashlib
import json
import os
import pathlib
import urllib.request
import uuid

import pytest
import topology
from botocore import UNSIGNED
from botocore.exceptions import ClientError
from conftest import client_at
from test_boto3 import body, refused

MIB = 1024 * 1024
KEY = bytes(range(32))
OTHER_KEY = bytes(range(32, 64))
SIZES = [0, 1, 4096, 4097, 65_536, 65_537, MIB - 1, 3 * MIB + 5]


@pytest.fixture(scope="module", params=["serve", "cluster"])
def encrypting(request, tmp_path_factory):
    """Servers that take keys of clients without TLS."""
    running = getattr(topology, request.param)(tmp_path_factory.mktemp(request.param))
    running.front.arguments.append("--sse-c-over-http")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def s3(encrypting):
    return client_at(encrypting.endpoint)


def customer(key=KEY, prefix=""):
    return {f"{prefix}SSECustomerAlgorithm": "AES256", f"{prefix}SSECustomerKey": key}


S3_KEY = {"ServerSideEncryption": "AES256"}
KMS_KEY = {"ServerSideEncryption": "aws:kms"}
# How it is written, what reads need to bring, and what answers say.
MODES = {
    "s3": (S3_KEY, {}, S3_KEY),
    "kms": (KMS_KEY, {}, KMS_KEY | {"SSEKMSKeyId": "aws/s3"}),
    "dsse": ({"ServerSideEncryption": "aws:kms:dsse"}, {}, {"ServerSideEncryption": "aws:kms:dsse"}),
    "customer": (
        customer(),
        customer(),
        {
            "SSECustomerAlgorithm": "AES256",
            "SSECustomerKeyMD5": base64.b64encode(hashlib.md5(KEY).digest()).decode(),
        },
    ),
}


@pytest.fixture(params=MODES.values(), ids=MODES.keys())
def mode(request):
    return request.param


def tells(answer, expected):
    return expected.items() <= answer.items()


def on_drives(running, needle):
    """Whether these bytes stand anywhere on the drives, metadata and logs included."""
    folders = [running.folder, *(node.folder for node in running.nodes)]
    files = {file for folder in folders for file in pathlib.Path(folder).rglob("*") if file.is_file()}
    return any(needle in file.read_bytes() for file in files)


@pytest.mark.parametrize("size", SIZES)
def test_an_encrypted_object_comes_back_the_same_and_says_how_it_is_encrypted(s3, bucket, mode, size):
    written, brought, told = mode
    content = os.urandom(size)
    put = s3.put_object(Bucket=bucket, Key="k", Body=content, **written)
    assert tells(put, told)
    got = s3.get_object(Bucket=bucket, Key="k", **brought)
    assert got["Body"].read() == content and tells(got, told)
    assert got["ContentLength"] == size
    head = s3.head_object(Bucket=bucket, Key="k", **brought)
    assert tells(head, told) and (head["ContentLength"], head["ETag"]) == (size, put["ETag"])
    (listed,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert (listed["Size"], listed["ETag"]) == (size, put["ETag"])
    is_md5 = put["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'
    assert is_md5 == (written == S3_KEY), "with other keys an ETag would tell of the bytes"


def test_ranges_of_an_encrypted_object_are_those_of_its_bytes(s3, bucket, mode):
    written, brought, _ = mode
    content = os.urandom(3 * MIB + 12345)
    s3.put_object(Bucket=bucket, Key="k", Body=content, **written)
    edges = [0, 1, 65_535, 65_536, 65_537, MIB - 1, MIB, 2 * MIB + 7, len(content) - 1]
    for start in edges:
        for end in [start, start + 1, start + 70_000, len(content) - 1]:
            end = min(end, len(content) - 1)
            got = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={start}-{end}", **brought)
            assert got["Body"].read() == content[start : end + 1], (start, end)


def test_what_is_encrypted_stands_on_no_drive_in_the_clear(encrypting, s3, bucket):
    secret = f"secret {uuid.uuid4()}".encode()
    s3.put_object(Bucket=bucket, Key="plain", Body=b"plain " + secret)
    assert on_drives(encrypting, b"plain " + secret), "else this looks in the wrong place"
    for name, (written, _, _) in MODES.items():
        for size in [0, 100_000, 2 * MIB]:
            content = b"hidden " + secret + bytes(size)
            s3.put_object(Bucket=bucket, Key=f"{name}-{size}", Body=content, **written)
    assert not on_drives(encrypting, b"hidden " + secret)
    assert not on_drives(encrypting, KEY)


def test_an_upload_in_parts_is_encrypted_as_it_was_begun(s3, bucket, mode):
    written, brought, told = mode
    parts = [os.urandom(5 * MIB), os.urandom(5 * MIB + 77), os.urandom(1000)]
    created = s3.create_multipart_upload(Bucket=bucket, Key="k", **written)
    assert tells(created, told)
    upload, done = created["UploadId"], []
    # A part that is sent twice is the later one.
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=2, Body=b"first try", **brought)
    for number, part in enumerate(parts, 1):
        sent = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=part, **brought)
        assert tells(sent, told)
        done.append({"PartNumber": number, "ETag": sent["ETag"]})
    listed = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)["Parts"]
    assert [part["Size"] for part in listed] == [len(part) for part in parts]
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": done})
    content = b"".join(parts)
    got = s3.get_object(Bucket=bucket, Key="k", **brought)
    assert got["Body"].read() == content and got["ContentLength"] == len(content) and tells(got, told)
    start = len(parts[0]) - 10
    assert body(s3, bucket, "k", Range=f"bytes={start}-{start + 70_000}", **brought) == content[start : start + 70_001]
    second = s3.get_object(Bucket=bucket, Key="k", PartNumber=2, **brought)
    assert second["Body"].read() == parts[1]


@pytest.mark.parametrize("to", [{}, *(written for written, _, _ in MODES.values())], ids=["default", *MODES])
def test_a_copy_is_encrypted_as_it_asks_and_never_less(s3, bucket, mode, to):
    written, brought, told = mode
    content = os.urandom(200_000)
    s3.put_object(Bucket=bucket, Key="from", Body=content, **written)
    source = {f"CopySource{name}": value for name, value in brought.items()}
    copied = s3.copy_object(Bucket=bucket, Key="to", CopySource=f"{bucket}/from", **source, **to)
    brings = to if "SSECustomerKey" in to else {}
    got = s3.get_object(Bucket=bucket, Key="to", **brings)
    assert got["Body"].read() == content and got["ETag"] == copied["CopyObjectResult"]["ETag"]
    if "ServerSideEncryption" in to:
        assert got["ServerSideEncryption"] == to["ServerSideEncryption"]
    elif not to:
        assert got["ServerSideEncryption"] == told.get("ServerSideEncryption", "AES256")


def test_a_part_may_be_copied_from_one_encryption_to_another(s3, bucket):
    content = os.urandom(6 * MIB)
    s3.put_object(Bucket=bucket, Key="from", Body=content, **customer())
    upload = s3.create_multipart_upload(Bucket=bucket, Key="to", **customer(OTHER_KEY))["UploadId"]
    done = []
    for number, span in enumerate([f"0-{5 * MIB - 1}", f"{5 * MIB}-{6 * MIB - 1}"], 1):
        part = s3.upload_part_copy(
            Bucket=bucket, Key="to", UploadId=upload, PartNumber=number, CopySource=f"{bucket}/from",
            CopySourceRange=f"bytes={span}", **customer(prefix="CopySource"), **customer(OTHER_KEY),
        )
        done.append({"PartNumber": number, "ETag": part["CopyPartResult"]["ETag"]})
    s3.complete_multipart_upload(Bucket=bucket, Key="to", UploadId=upload, MultipartUpload={"Parts": done})
    assert body(s3, bucket, "to", **customer(OTHER_KEY)) == content


def test_plain_objects_become_encrypted_by_a_copy_onto_themselves(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1" * 100_000, Metadata={"a": "b"})
    s3.copy_object(Bucket=bucket, Key="k", CopySource=f"{bucket}/k", **S3_KEY)
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == b"1" * 100_000 and tells(got, S3_KEY) and got["Metadata"] == {"a": "b"}


def test_a_clients_key_is_needed_and_must_be_the_right_one(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1" * 10_000, **customer())
    for call in [s3.get_object, s3.head_object]:
        status = {"Bucket": bucket, "Key": "k"}
        code = "InvalidRequest" if call == s3.get_object else "400"
        refused(code, 400, call, **status)
        refused("AccessDenied" if call == s3.get_object else "403", 403, call, **status, **customer(OTHER_KEY))
    refused("InvalidRequest", 400, s3.copy_object, Bucket=bucket, Key="to", CopySource=f"{bucket}/k")
    s3.put_object(Bucket=bucket, Key="plain", Body=b"1")
    refused("InvalidRequest", 400, s3.get_object, Bucket=bucket, Key="plain", **customer())
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", **customer())["UploadId"]
    part = {"Bucket": bucket, "Key": "k", "UploadId": upload, "PartNumber": 1, "Body": b"1"}
    refused("InvalidRequest", 400, s3.upload_part, **part)
    refused("InvalidRequest", 400, s3.upload_part, **part, **customer(OTHER_KEY))


def test_headers_that_contradict_each_other_are_refused_and_nothing_is_stored(s3, bucket):
    put = {"Bucket": bucket, "Key": "k", "Body": b"1"}
    for headers in [
        S3_KEY | customer(),
        {"ServerSideEncryption": "AES128"},
        {"SSEKMSKeyId": "mine"},
        S3_KEY | {"SSEKMSKeyId": "mine"},
        KMS_KEY | {"SSEKMSEncryptionContext": "no json"},
        customer() | {"SSECustomerAlgorithm": "AES128"},
        customer(base64.b64encode(KEY).decode()) | {"SSECustomerKeyMD5": base64.b64encode(bytes(16)).decode()},
        customer(KEY[:16]),
    ]:
        refused("InvalidArgument", 400, s3.put_object, **put, **headers)
    refused("KMS.NotFoundException", 400, s3.put_object, **put, **KMS_KEY, SSEKMSKeyId="nobody")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_a_bucket_encrypts_what_comes_without_a_word(s3, bucket):
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
    s3.put_object(Bucket=bucket, Key="before", Body=b"1")
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    told = KMS_KEY | {"BucketKeyEnabled": True}
    assert tells(s3.put_object(Bucket=bucket, Key="k", Body=b"1" * 9999), told)
    assert tells(s3.get_object(Bucket=bucket, Key="k"), told) and body(s3, bucket, "k") == b"1" * 9999
    assert tells(s3.create_multipart_upload(Bucket=bucket, Key="m"), told)
    assert tells(s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/before"), KMS_KEY)
    assert tells(s3.put_object(Bucket=bucket, Key="own", Body=b"1", **S3_KEY), S3_KEY)
    assert "ServerSideEncryption" not in s3.get_object(Bucket=bucket, Key="before")
    s3.delete_bucket_encryption(Bucket=bucket)
    assert "ServerSideEncryption" not in s3.put_object(Bucket=bucket, Key="after", Body=b"1")
    assert body(s3, bucket, "k") == b"1" * 9999


def test_a_bucket_may_refuse_keys_of_clients(s3, bucket):
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
    }
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    refused("AccessDenied", 403, s3.put_object, Bucket=bucket, Key="k", Body=b"1", **customer())


def test_what_is_under_a_named_key_is_read_by_signed_requests_alone(s3, encrypting, bucket):
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    s3.put_object(Bucket=bucket, Key="managed", Body=b"x", **KMS_KEY)
    s3.put_object(Bucket=bucket, Key="server", Body=b"x", ServerSideEncryption="AES256")
    anybody = client_at(encrypting.endpoint, signature_version=UNSIGNED)
    assert anybody.get_object(Bucket=bucket, Key="server")["Body"].read() == b"x"
    for call in anybody.get_object, anybody.head_object:
        with pytest.raises(ClientError) as refused:
            call(Bucket=bucket, Key="managed")
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(ClientError, match="require AWS Signature Version 4") as refused:
        anybody.get_object(Bucket=bucket, Key="managed")
    assert refused.value.response["Error"]["Code"] == "InvalidArgument"
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "managed"})
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"x"


def test_an_encryption_context_is_told_back_and_bound_to_the_object(s3, bucket):
    context = base64.b64encode(json.dumps({"project": "x"}).encode()).decode()
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"1" * 5000, **KMS_KEY, SSEKMSEncryptionContext=context)
    assert json.loads(base64.b64decode(put["SSEKMSEncryptionContext"])) == {"project": "x"}
    assert body(s3, bucket, "k") == b"1" * 5000


def test_named_keys_are_made_rotated_and_disabled_and_lose_nothing(encrypting, s3, bucket):
    name = f"team/{uuid.uuid4().hex[:8]}"
    assert "enabled" in encrypting.admin("keyring", "create", name)
    assert "already" in encrypting.admin("keyring", "create", name, fails=True)
    assert "name" in encrypting.admin("keyring", "create", "no name", fails=True)
    mine = KMS_KEY | {"SSEKMSKeyId": name}
    assert tells(s3.put_object(Bucket=bucket, Key="old", Body=b"1" * 9000, **mine), mine)
    encrypting.admin("keyring", "rotate", name)
    s3.put_object(Bucket=bucket, Key="new", Body=b"2" * 9000, **mine)
    assert (body(s3, bucket, "old"), body(s3, bucket, "new")) == (b"1" * 9000, b"2" * 9000)
    listed = json.loads(encrypting.admin("keyring", "list", "--json"))
    (key,) = [key for key in listed["keys"] if key["id"] == name]
    assert (key["versions"], key["enabled"], listed["locked"]) == (2, True, False)
    encrypting.admin("keyring", "disable", name)
    refused("KMS.DisabledException", 400, s3.get_object, Bucket=bucket, Key="old")
    refused("KMS.DisabledException", 400, s3.put_object, Bucket=bucket, Key="more", Body=b"3", **mine)
    assert s3.head_object(Bucket=bucket, Key="old")["ContentLength"] == 9000
    encrypting.admin("keyring", "enable", name)
    assert body(s3, bucket, "old") == b"1" * 9000
    assert "no key" in encrypting.admin("keyring", "rotate", "nobody", fails=True)


@pytest.mark.parametrize("form", ["{}", "alias/{}", "arn:aws:kms:us-east-1:111122223333:alias/{}"])
def test_a_named_key_may_be_named_by_alias_and_arn(encrypting, s3, bucket, form):
    name = f"k{uuid.uuid4().hex[:8]}"
    encrypting.admin("keyring", "create", name)
    named = KMS_KEY | {"SSEKMSKeyId": form.format(name)}
    assert tells(s3.put_object(Bucket=bucket, Key="k", Body=b"1" * 5000, **named), named)
    assert body(s3, bucket, "k") == b"1" * 5000


def test_versions_each_have_their_own_encryption(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1" * 5000, **customer())["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2" * 5000, **S3_KEY)["VersionId"]
    assert body(s3, bucket, "k", VersionId=first, **customer()) == b"1" * 5000
    assert body(s3, bucket, "k", VersionId=second) == b"2" * 5000
    s3.delete_object(Bucket=bucket, Key="k", VersionId=second)
    assert body(s3, bucket, "k", **customer()) == b"1" * 5000


def test_keys_outlive_a_kill_and_the_loss_of_a_drive(tmp_path):
    server = topology.serve(tmp_path)
    server.front.arguments.append("--sse-c-over-http")
    server.start()
    s3 = client_at(server.endpoint)
    s3.create_bucket(Bucket="crash")
    contents = {name: os.urandom(300_000) for name in MODES}
    for name, (written, _, _) in MODES.items():
        s3.put_object(Bucket="crash", Key=name, Body=contents[name], **written)
    server.front.kill()
    drive = tmp_path / "drive2"
    drive.rename(tmp_path / "lost")
    drive.mkdir()
    server.start()
    for name, (_, brought, _) in MODES.items():
        assert body(s3, "crash", name, **brought) == contents[name]
    server.stop()


def test_without_its_encryption_key_a_server_serves_the_rest_and_says_so(tmp_path):
    server = topology.serve(tmp_path)
    server.start()
    s3 = client_at(server.endpoint, retries={"max_attempts": 1})
    s3.create_bucket(Bucket="some")
    s3.put_object(Bucket="some", Key="plain", Body=b"1")
    s3.put_object(Bucket="some", Key="hidden", Body=b"2" * 5000, **S3_KEY)
    server.stop()
    key = tmp_path / ".holdfast" / "encryption.key"
    kept = key.read_text()
    key.unlink()
    for flags in [[], ["--encryption-key", "00" * 32]]:
        server.front.arguments += flags
        server.start()
        assert not key.exists(), "another key would hide the loss"
        assert body(s3, "some", "plain") == b"1"
        refused("XHoldfastKeyringLocked", 503, s3.get_object, Bucket="some", Key="hidden")
        refused("XHoldfastKeyringLocked", 503, s3.put_object, Bucket="some", Key="new", Body=b"3", **S3_KEY)
        assert "encrypted objects cannot be read" in server.front.log()
        assert server.metric("holdfast_keyring_locked") == 1
        server.stop()
    server.front.arguments[-1] = kept.strip()
    server.start()
    assert body(s3, "some", "hidden") == b"2" * 5000
    assert server.metric("holdfast_keyring_locked") == 0
    server.stop()


def test_keys_of_clients_need_tls_unless_the_operator_says_otherwise(running):
    s3 = client_at(running.endpoint)
    s3.create_bucket(Bucket="some")
    refused("InvalidRequest", 400, s3.put_object, Bucket="some", Key="k", Body=b"1", **customer())


def arn(key):
    return f"arn:aws:kms:local:000000000001:key/{key}"


def test_an_object_goes_under_another_key_without_being_written_anew(s3, encrypting, bucket):
    encrypting.admin("keyring", "create", first := f"first-{bucket}")
    encrypting.admin("keyring", "create", second := f"second-{bucket}")
    content = os.urandom(200_000)
    put = s3.put_object(Bucket=bucket, Key="k", Body=content, **S3_KEY)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")

    def update(key, **more):
        asked = {"SSEKMS": {"KMSKeyArn": arn(key)} | more}
        return s3.update_object_encryption(Bucket=bucket, Key="k", ObjectEncryption=asked)

    before = s3.head_object(Bucket=bucket, Key="k")
    for key, more in [(first, {}), (second, {"BucketKeyEnabled": True})]:
        update(key, **more)
        head = s3.head_object(Bucket=bucket, Key="k")
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", arn(key))
        assert head.get("BucketKeyEnabled", False) == bool(more)
        assert (head["ETag"], head["LastModified"]) == (put["ETag"], before["LastModified"])
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == content
    encrypting.admin("keyring", "disable", first)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == content, "it is no longer under that one"
    assert tells(s3.head_object(Bucket=bucket, Key="copy"), S3_KEY)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == content
    refused("KMS.NotFoundException", 400, update, key="nothing")
    refused("KMS.DisabledException", 400, update, key=first)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == content


def test_only_what_the_server_encrypts_in_one_layer_goes_under_another_key(s3, encrypting, bucket):
    encrypting.admin("keyring", "create", key := f"key-{bucket}")
    asked = {"SSEKMS": {"KMSKeyArn": arn(key)}}
    for name, written in [("plain", {}), ("customer", customer()), ("dsse", MODES["dsse"][0])]:
        s3.put_object(Bucket=bucket, Key=name, Body=b"x", **written)
        refused("InvalidRequest", 400, s3.update_object_encryption, Bucket=bucket, Key=name, ObjectEncryption=asked)
    refused("NoSuchKey", 404, s3.update_object_encryption, Bucket=bucket, Key="missing", ObjectEncryption=asked)


def test_a_locked_object_stays_under_its_key(s3, encrypting):
    locked = f"locked-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=locked, ObjectLockEnabledForBucket=True)
    encrypting.admin("keyring", "create", locked)
    s3.put_object(Bucket=locked, Key="k", Body=b"x", ObjectLockLegalHoldStatus="ON", **S3_KEY)
    asked = {"Bucket": locked, "Key": "k", "ObjectEncryption": {"SSEKMS": {"KMSKeyArn": arn(locked)}}}
    refused("AccessDenied", 403, s3.update_object_encryption, **asked)
    s3.put_object_legal_hold(Bucket=locked, Key="k", LegalHold={"Status": "OFF"})
    s3.update_object_encryption(**asked)
    assert s3.get_object(Bucket=locked, Key="k")["Body"].read() == b"x"
