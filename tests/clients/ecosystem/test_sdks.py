"""The SDKs of AWS: a program in each language, which checks what it sends and gets."""

import json
import pathlib
import shutil
import urllib.request

import boto3
import botocore
import pytest
from matrix import INSTALLED, pinned, program

HERE = pathlib.Path(__file__).parent


@pytest.mark.client("boto3")
def test_boto3(client, s3, bucket, tmp_path):
    client.version(boto3.__version__)
    source = tmp_path / "source.bin"
    source.write_bytes(bytes(range(256)) * 50_000)
    s3.upload_file(str(source), bucket, "large", ExtraArgs={"ChecksumAlgorithm": "SHA256"})
    s3.download_file(bucket, "large", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == source.read_bytes()
    client.does("managed transfers with checksums")
    with pytest.raises(botocore.exceptions.ClientError) as refusal:
        s3.put_object(Bucket=bucket, Key="large", Body=b"", IfNoneMatch="*")
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    client.does("conditional writes")
    post = s3.generate_presigned_post(bucket, "form")
    assert post["url"].startswith("http")
    client.does("presigned URLs and forms")


@pytest.mark.client("AWS SDK for JavaScript v3")
def test_javascript(client, environment):
    node = shutil.which("node")
    if not node or not (HERE / "javascript" / "node_modules").exists():
        pytest.skip("node or its packages are not installed here")
    client.version(json.loads((HERE / "javascript" / "package.json").read_text())["dependencies"]["@aws-sdk/client-s3"])
    client.sdk(node, HERE / "javascript" / "main.mjs", environment=environment)


@pytest.mark.client("AWS SDK for Go v2")
def test_go(client, environment):
    client.version(pinned("go/go.mod", r"aws-sdk-go-v2/service/s3 v(\S+)"))
    client.sdk(program("sdk-go"), environment=environment)


@pytest.mark.client("AWS SDK for Java v2")
def test_java(client, environment):
    java, built = shutil.which("java"), INSTALLED / "java"
    if not java or not (built / "lib").exists():
        pytest.skip("Java or its packages are not installed here")
    client.version(pinned("java/pom.xml", r"<aws.version>(\S+)</aws.version>"))
    client.sdk(java, "-cp", f"{built / 'classes'}:{built / 'lib'}/*", "Main", environment=environment)


@pytest.mark.client("AWS SDK for Rust")
def test_rust(client, environment):
    built = INSTALLED / "rust" / "debug" / "holdfast-client-tests"
    if not built.exists():
        pytest.skip("the program is not built here")
    client.version(pinned("rust/Cargo.lock", r'name = "aws-sdk-s3"\nversion = "(\S+)"'))
    said = client.run(built, environment=environment)
    client.held += [line.removeprefix("held: ") for line in said.splitlines() if line.startswith("held: ")]
    url = next(line.removeprefix("url: ") for line in said.splitlines() if line.startswith("url: "))
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"from Rust"
    client.does("presigned URLs")
