"""Signature version 2: refused with its remedy unless the operator allows it, and then as AWS documents it."""

import subprocess
import time
import urllib.error
import urllib.request

import botocore.exceptions
import pytest
import topology
from conftest import client_at

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def allowed(tmp_path_factory):
    server = topology.serve(tmp_path_factory.mktemp("v2"))
    server.front.arguments += ["--signature-v2"]
    server.start()
    yield server
    server.stop()


def v2_client(server, **more):
    return client_at(server.endpoint, signature_version="s3", request_checksum_calculation="when_required", **more)


def s3cmd(server, *arguments, fails=False):
    program = topology.tool("s3cmd")
    flags = [
        "--config=/dev/null", f"--access_key={topology.ACCESS_KEY}", f"--secret_key={topology.SECRET_KEY}", "--no-ssl",
        "--signature-v2", f"--host={server.address}", f"--host-bucket={server.address}", "--no-progress",
    ]
    done = subprocess.run([program, *flags, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_it_is_refused_by_default_and_the_refusal_names_both_remedies(running):
    with pytest.raises(botocore.exceptions.ClientError) as refusal:
        v2_client(running).list_buckets()
    assert refusal.value.response["Error"]["Code"] == "InvalidRequest"
    message = refusal.value.response["Error"]["Message"]
    assert "AWS4-HMAC-SHA256" in message and "--signature-v2" in message
    url = v2_client(running).generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "k"})
    assert "AWSAccessKeyId=" in url
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url)
    assert refused.value.code == 400 and b"--signature-v2" in refused.value.read()


def test_botocore_moves_objects_of_every_kind(allowed):
    s3 = v2_client(allowed)
    s3.create_bucket(Bucket="botocore")
    for key in ["plain", "a b+c&d=e%", "ünïcödé/x", "dir/"]:
        s3.put_object(Bucket="botocore", Key=key, Body=key.encode(), ContentType="text/plain", Metadata={"b": "2", "a": "1"})
        answer = s3.get_object(Bucket="botocore", Key=key, ResponseContentDisposition='attachment; filename="x y"')
        assert answer["Body"].read() == key.encode() and answer["Metadata"] == {"a": "1", "b": "2"}
        assert answer["ContentDisposition"] == 'attachment; filename="x y"'
    upload = s3.create_multipart_upload(Bucket="botocore", Key="parts")["UploadId"]
    parts = []
    for number in [1, 2]:
        part = s3.upload_part(Bucket="botocore", Key="parts", UploadId=upload, PartNumber=number, Body=bytes([number]) * 5 * MIB)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    s3.complete_multipart_upload(Bucket="botocore", Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    assert s3.head_object(Bucket="botocore", Key="parts")["ContentLength"] == 10 * MIB
    s3.copy_object(Bucket="botocore", Key="copy", CopySource={"Bucket": "botocore", "Key": "a b+c&d=e%"})
    assert len(s3.list_objects_v2(Bucket="botocore", Prefix="", MaxKeys=1000)["Contents"]) == 6
    s3.delete_objects(Bucket="botocore", Delete={"Objects": [{"Key": "copy"}, {"Key": "plain"}]})
    assert s3.get_bucket_location(Bucket="botocore")["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_presigned_urls_put_get_and_end_in_time(allowed):
    s3 = v2_client(allowed)
    s3.create_bucket(Bucket="presigned")
    put = s3.generate_presigned_url("put_object", Params={"Bucket": "presigned", "Key": "a b", "Metadata": {"color": "red"}})
    urllib.request.urlopen(urllib.request.Request(put, b"by url", {"content-type": ""}, method="PUT"))
    get = s3.generate_presigned_url("get_object", Params={"Bucket": "presigned", "Key": "a b"})
    with urllib.request.urlopen(get) as answer:
        assert answer.read() == b"by url" and answer.headers["x-amz-meta-color"] == "red"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(get + "&versionId=null")
    assert b"SignatureDoesNotMatch" in refused.value.read()
    expired = s3.generate_presigned_url("get_object", Params={"Bucket": "presigned", "Key": "a b"}, ExpiresIn=-10)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(expired)
    said = refused.value.read()
    assert refused.value.code == 403 and b"AccessDenied" in said and b"Request has expired" in said


def test_a_wrong_secret_is_refused_and_told_what_was_signed(allowed):
    with pytest.raises(botocore.exceptions.ClientError) as refusal:
        v2_client(allowed, secret="another-secret-0123456789").list_buckets()
    error = refusal.value.response["Error"]
    assert error["Code"] == "SignatureDoesNotMatch" and error["StringToSign"].startswith("GET\n")
    assert topology.SECRET_KEY not in str(error)


def test_unknown_keys_old_dates_and_malformed_headers_get_their_codes(allowed):
    now = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())

    def code(**headers):
        request = urllib.request.Request(f"{allowed.endpoint}/", headers=headers)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        return refused.value.read().decode().split("<Code>")[1].split("</Code>")[0]

    assert code(Authorization="AWS nobody:c2lnbmF0dXJl", Date=now) == "InvalidAccessKeyId"
    assert code(Authorization=f"AWS {topology.ACCESS_KEY}:c2ln", Date="Tue, 27 Mar 2007 19:36:42 GMT") == "RequestTimeTooSkewed"
    assert code(Authorization=f"AWS {topology.ACCESS_KEY}:c2ln") == "AccessDenied"
    assert code(Authorization="AWS nothing", Date=now) == "InvalidArgument"


def test_version_4_goes_on_beside_it(allowed):
    s3 = client_at(allowed.endpoint)
    s3.create_bucket(Bucket="beside")
    s3.put_object(Bucket="beside", Key="k", Body=b"v4")
    assert v2_client(allowed).get_object(Bucket="beside", Key="k")["Body"].read() == b"v4"


def test_buckets_as_host_names_are_signed_with_their_bucket(allowed):
    s3 = v2_client(allowed)
    s3.create_bucket(Bucket="byhost")
    s3.put_object(Bucket="byhost", Key="k", Body=b"by host")
    port = allowed.address.split(":")[1]
    virtual = client_at(f"http://{topology.DOMAIN}:{port}", signature_version="s3", s3={"addressing_style": "virtual"})
    url = virtual.generate_presigned_url("get_object", Params={"Bucket": "byhost", "Key": "k"})
    host, rest = url.removeprefix("http://").split("/", 1)
    assert host == f"byhost.{topology.DOMAIN}:{port}"
    request = urllib.request.Request(f"{allowed.endpoint}/{rest}", headers={"Host": host})
    with urllib.request.urlopen(request) as answer:
        assert answer.read() == b"by host"


def test_s3cmd_moves_files(allowed, tmp_path):
    source = tmp_path / "source file+.bin"
    source.write_bytes(bytes(range(256)) * 80_000)
    s3cmd(allowed, "mb", "s3://s3cmd")
    s3cmd(allowed, "put", "--multipart-chunk-size-mb=5", source, "s3://s3cmd/dir/source file+.bin")
    assert "source file+.bin" in s3cmd(allowed, "ls", "s3://s3cmd/dir/")
    s3cmd(allowed, "get", "s3://s3cmd/dir/source file+.bin", tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == source.read_bytes()
    s3cmd(allowed, "del", "--recursive", "--force", "s3://s3cmd/")
    s3cmd(allowed, "rb", "s3://s3cmd")
