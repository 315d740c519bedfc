"""SSE-KMS under the keys of a key service outside, through boto3."""

import base64
import json
import os

import certificates
import pytest
import topology
from conftest import client_at
from test_boto3 import refused
from test_doctor import doctor
from transit import ROLE_ID, SECRET_ID, TOKEN, Key, Transit

MIB = 1024 * 1024
SIZES = [0, 100, 70_000, 3 * MIB + 1]


def kms(key=None, context=None, **more):
    asked = {"ServerSideEncryption": "aws:kms"} | more
    if key:
        asked["SSEKMSKeyId"] = key
    if context:
        asked["SSEKMSEncryptionContext"] = base64.b64encode(json.dumps(context).encode()).decode()
    return asked


@pytest.fixture
def transit():
    service = Transit()
    service.keys = {"holdfast": Key(), "team-a": Key(), "derived": Key(derived=True)}
    yield service
    service.stop()


def start(kind, folder, service, *flags, remember="0"):
    token = folder / "token"
    folder.mkdir(exist_ok=True)
    token.write_text(TOKEN + "\n")
    running = getattr(topology, kind)(folder)
    way_in = () if "--kms-role-id" in flags else ("--kms-token-file", str(token))
    running.front.arguments += ["--kms-url", service.url, "--kms-remember", remember, *way_in, *flags]
    running.start()
    return running


@pytest.fixture(params=["serve", "cluster"])
def running(request, tmp_path, transit):
    running = start(request.param, tmp_path / "s", transit)
    yield running
    running.stop()


@pytest.fixture
def s3(running):
    s3 = client_at(running.endpoint, retries={"max_attempts": 0})
    s3.create_bucket(Bucket="photos")
    return s3


def put(s3, key, content, **encryption):
    return s3.put_object(Bucket="photos", Key=key, Body=content, **encryption)


def get(s3, key):
    return s3.get_object(Bucket="photos", Key=key)["Body"].read()


def test_objects_are_under_the_keys_that_they_name_and_outlive_rotation(s3, running, transit):
    stored = {}
    for name, key in [("a", "team-a"), ("arn", "arn:aws:kms:x:1:key/team-a"), ("d", "derived"), ("none", None)]:
        for size in SIZES:
            stored[f"{name}-{size}"] = os.urandom(size)
            answer = put(s3, f"{name}-{size}", stored[f"{name}-{size}"], **kms(key))
            assert (answer["ServerSideEncryption"], answer["SSEKMSKeyId"]) == ("aws:kms", key or "holdfast")
    for key in transit.keys:
        transit.rotate(key)
    put(s3, "newer", b"newer", **kms("team-a"))
    stored["newer"] = b"newer"
    s3.copy_object(Bucket="photos", Key="copy", CopySource="photos/a-70000")
    stored["copy"] = stored["a-70000"]
    running.stop()
    running.start()
    for key, content in stored.items():
        assert get(client_at(running.endpoint), key) == content, key


def test_an_upload_in_parts_and_a_range(s3, transit):
    upload = s3.create_multipart_upload(Bucket="photos", Key="k", **kms("team-a"))["UploadId"]
    where = {"Bucket": "photos", "Key": "k", "UploadId": upload}
    bodies = [os.urandom(5 * MIB), os.urandom(1000)]
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**where, PartNumber=number, Body=content)["ETag"]}
        for number, content in enumerate(bodies, 1)
    ]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    answer = s3.get_object(Bucket="photos", Key="k", Range=f"bytes={5 * MIB - 10}-{5 * MIB + 9}")
    assert answer["Body"].read() == bodies[0][-10:] + bodies[1][:10]


def test_the_context_is_bound_to_the_key(s3, transit):
    put(s3, "k", b"secret", **kms("derived", {"team": "a"}))
    assert get(s3, "k") == b"secret"
    contexts = {base64.b64encode(b'{"team":"a"}').decode()}
    head = s3.head_object(Bucket="photos", Key="k")
    assert head["ResponseMetadata"]["HTTPHeaders"]["x-amz-server-side-encryption-context"] in contexts


def test_each_object_has_a_data_key_unless_a_bucket_key_is_asked_for(s3, transit):
    def calls(verb):
        return sum(verb in path for path in transit.calls)

    for i in range(3):
        put(s3, f"own-{i}", b"x", **kms("team-a"))
    assert calls("datakey") == 3
    for i in range(3):
        put(s3, f"shared-{i}", b"x", **kms("team-a", BucketKeyEnabled=True))
    assert calls("datakey") == 4
    for i in range(3):
        assert get(s3, f"shared-{i}") == b"x"
    assert calls("decrypt") == 3, "nothing is remembered here"


def test_open_data_keys_are_remembered_as_long_as_the_operator_says(tmp_path, transit):
    running = start("serve", tmp_path / "s", transit, remember="3600")
    s3 = client_at(running.endpoint)
    s3.create_bucket(Bucket="photos")
    put(s3, "k", b"x", **kms("team-a"))
    transit.stop()
    assert get(s3, "k") == b"x", "its data key is known still"
    running.stop()
    running.start()
    refused("KMS.DependencyTimeoutException", 503, lambda: get(client_at(running.endpoint, retries={"max_attempts": 0}), "k"))
    running.stop()


def test_a_service_that_is_sealed_or_down_harms_nothing_else(s3, running, transit):
    put(s3, "kms", b"1", **kms("team-a"))
    put(s3, "s3", b"2", ServerSideEncryption="AES256")
    put(s3, "plain", b"3")

    def others_go_on():
        put(s3, "s3", b"2", ServerSideEncryption="AES256")
        put(s3, "plain", b"3")
        return get(s3, "s3") == b"2" and get(s3, "plain") == b"3"

    transit.sealed = True
    for call in [lambda: get(s3, "kms"), lambda: put(s3, "new", b"", **kms("team-a"))]:
        refused("KMS.DependencyTimeoutException", 503, call)
    assert s3.head_object(Bucket="photos", Key="kms")["ContentLength"] == 1
    assert others_go_on()
    transit.sealed = False
    assert get(s3, "kms") == b"1"
    transit.stop()
    refused("KMS.DependencyTimeoutException", 503, lambda: get(s3, "kms"))
    assert others_go_on()
    refused("NoSuchKey", 404, lambda: get(s3, "new"))


def test_keys_that_are_not_there_or_not_permitted_have_their_codes(s3, transit):
    for key in ["nothing", "../sys/seal", "a/b", "x y"]:
        refused("KMS.NotFoundException", 400, lambda: put(s3, "k", b"", **kms(key)))
    assert not any("seal" in path for path in transit.calls)
    put(s3, "k", b"1", **kms("team-a"))
    transit.denied.add("team-a")
    refused("AccessDenied", 403, lambda: put(s3, "l", b"", **kms("team-a")))
    refused("AccessDenied", 403, lambda: get(s3, "k"))
    transit.denied.clear()
    transit.rotate("team-a")
    transit.keys["team-a"].min_decryption_version = 2
    refused("KMS.InvalidCiphertextException", 400, lambda: get(s3, "k"))
    del transit.keys["team-a"]
    refused("KMS.NotFoundException", 400, lambda: get(s3, "k"))


def test_an_object_goes_under_a_key_of_the_service_and_back(s3, running, transit):
    running.admin("keyring", "create", "own")
    put(s3, "k", b"1" * 100_000, ServerSideEncryption="AES256")

    def update(key):
        asked = {"SSEKMS": {"KMSKeyArn": f"arn:aws:kms:local:000000000001:key/{key}"}}
        s3.update_object_encryption(Bucket="photos", Key="k", ObjectEncryption=asked)

    update("team-a")
    assert get(s3, "k") == b"1" * 100_000
    transit.sealed = True
    refused("KMS.DependencyTimeoutException", 503, lambda: get(s3, "k"))
    refused("KMS.DependencyTimeoutException", 503, lambda: update("own"))
    transit.sealed = False
    update("own")
    transit.stop()
    assert get(s3, "k") == b"1" * 100_000


def test_keys_of_the_keyring_go_before_those_of_the_service(tmp_path, transit):
    (tmp_path / "s").mkdir()
    running = topology.serve(tmp_path / "s")
    running.start()
    s3 = client_at(running.endpoint)
    s3.create_bucket(Bucket="photos")
    running.admin("keyring", "create", "team-a")
    put(s3, "own", b"1", **kms("team-a"))
    put(s3, "default", b"2", **kms())
    running.stop()
    (tmp_path / "token").write_text(TOKEN)
    running.front.arguments += ["--kms-url", transit.url, "--kms-token-file", str(tmp_path / "token")]
    running.start()
    s3 = client_at(running.endpoint)
    assert get(s3, "own") == b"1" and get(s3, "default") == b"2"
    put(s3, "own2", b"3", **kms("team-a"))
    assert not any("team-a" in path for path in transit.calls)
    put(s3, "new", b"4", **kms())
    assert get(s3, "new") == b"4" and any("datakey/plaintext/holdfast" in path for path in transit.calls)
    running.stop()


def test_a_token_that_ended_is_replaced_from_its_file_or_by_a_role(tmp_path, transit):
    secret = tmp_path / "secret"
    secret.write_text(SECRET_ID)
    for flags in [(), ("--kms-role-id", ROLE_ID, "--kms-secret-id-file", str(secret))]:
        folder = tmp_path / f"s{len(flags)}"
        running = start("serve", folder, transit, *flags)
        s3 = client_at(running.endpoint, retries={"max_attempts": 0})
        s3.create_bucket(Bucket="photos")
        put(s3, "k", b"1", **kms("team-a"))
        transit.tokens = {"another"}
        (folder / "token").write_text("another")
        assert get(s3, "k") == b"1"
        running.stop()
        transit.tokens = {TOKEN}


def test_a_service_over_tls_is_believed_by_its_authority_alone(tmp_path):
    authority, key = certificates.Authority(tmp_path / "ca"), tmp_path / "key.pem"
    transit = Transit((authority.issue(tmp_path / "certificate.pem", key), key))
    transit.keys = {"holdfast": Key()}
    for flags, good in [(("--tls-ca", str(authority.certificate)), True), ((), False)]:
        running = start("serve", tmp_path / f"s{good}", transit, *flags)
        s3 = client_at(running.endpoint, retries={"max_attempts": 0})
        s3.create_bucket(Bucket="photos")
        if good:
            put(s3, "k", b"1", **kms())
            assert get(s3, "k") == b"1"
        else:
            refused("KMS.DependencyTimeoutException", 503, lambda: put(s3, "k", b"1", **kms()))
        running.stop()
    transit.stop()


def test_the_doctor_tells_how_the_service_is_doing(tmp_path, transit):
    token = tmp_path / "token"
    token.write_text(TOKEN)

    def finding():
        found = doctor(tmp_path, "--kms-url", transit.url, "--kms-token-file", str(token), "./d1")
        return next((level, said) for (level, check, _), said in found.items() if check == "kms")

    assert finding()[0] == "ok"
    token.write_text("wrong")
    level, said = finding()
    assert level == "fail" and "--kms-token-file" in said
    transit.sealed = True
    level, said = finding()
    assert level == "fail" and "sealed" in said
    transit.stop()
    assert finding()[0] == "fail"
