"""Presigned URLs for every kind of operation, with buckets in the path and in the host name."""

import http.client
import urllib.parse
import uuid

import pytest
import topology
from conftest import client_at

MIB = 1024 * 1024


class Urls:
    """Presigns with boto3 and sends with nothing of it."""

    def __init__(self, server, style):
        self.server = server
        port = server.address.split(":")[1]
        endpoint = server.endpoint if style == "path" else f"http://{topology.DOMAIN}:{port}"
        self.s3 = client_at(endpoint, s3={"addressing_style": style})

    def send(self, operation, body=b"", expect=200, headers=(), **parameters):
        """Headers that the parameters stand for are signed into the URL and must be sent."""
        method = self.s3.meta.service_model.operation_model("".join(word.title() for word in operation.split("_"))).http["method"]
        url = urllib.parse.urlsplit(self.s3.generate_presigned_url(operation, Params=parameters))
        connection = http.client.HTTPConnection(self.server.address, timeout=60)
        connection.request(method, f"{url.path}?{url.query}", body, {"Host": url.netloc} | dict(headers))
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        assert answer.status == expect, (operation, answer.status, said)
        return answer.headers, said.decode()


@pytest.fixture(params=["path", "virtual"])
def urls(request, server):
    return Urls(server, request.param)


def inner(document, name):
    return document.split(f"<{name}>")[1].split(f"</{name}>")[0]


def test_objects(urls, bucket):
    described = {"x-amz-meta-color": "red", "content-disposition": "inline"}
    parameters = {"Metadata": {"color": "red"}, "ContentDisposition": "inline"}
    urls.send("put_object", b"by url", headers=described, Bucket=bucket, Key="dir/a b+c&d", **parameters)
    urls.send("put_object", b"by url", expect=403, Bucket=bucket, Key="without", **parameters)
    _, listing = urls.send("list_objects_v2", Bucket=bucket, Prefix="dir/", Delimiter="/")
    assert urllib.parse.unquote_plus(inner(listing, "Key")) == "dir/a b+c&d", "boto3 asks for keys in the form of a URL"
    source = {"Bucket": bucket, "Key": "dir/a b+c&d"}
    header = {"x-amz-copy-source": f"{bucket}/dir/a%20b%2Bc%26d"}
    urls.send("copy_object", headers=header, Bucket=bucket, Key="copy", CopySource=source)
    headers, said = urls.send("get_object", Bucket=bucket, Key="copy", ResponseContentType="text/x", ResponseCacheControl="no-store")
    assert said == "by url" and headers["x-amz-meta-color"] == "red"
    assert headers["content-type"] == "text/x" and headers["cache-control"] == "no-store"
    headers, said = urls.send("head_object", Bucket=bucket, Key="copy")
    assert said == "" and headers["content-length"] == "6"
    urls.send("get_object_tagging", Bucket=bucket, Key="copy")
    urls.send("get_object_acl", Bucket=bucket, Key="copy")
    urls.send("get_object_attributes", headers={"x-amz-object-attributes": "ETag"}, Bucket=bucket, Key="copy", ObjectAttributes=["ETag"])
    urls.send("delete_object", expect=204, Bucket=bucket, Key="copy")
    urls.send("delete_object", expect=204, Bucket=bucket, Key="dir/a b+c&d")
    urls.send("get_object", expect=404, Bucket=bucket, Key="copy")


def test_multipart_uploads(urls, bucket):
    _, begun = urls.send("create_multipart_upload", headers={"content-type": "x/y"}, Bucket=bucket, Key="large", ContentType="x/y")
    upload = {"Bucket": bucket, "Key": "large", "UploadId": inner(begun, "UploadId")}
    tags = [urls.send("upload_part", bytes([number]) * 5 * MIB, PartNumber=number, **upload)[0]["etag"] for number in [1, 2]]
    assert urls.send("list_parts", **upload)[1].count("<Part>") == 2
    assert "large" in urls.send("list_multipart_uploads", Bucket=bucket)[1]
    parts = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>" for number, tag in enumerate(tags, 1))
    document = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    urls.send("complete_multipart_upload", document, **upload)
    headers, _ = urls.send("head_object", Bucket=bucket, Key="large")
    assert (headers["content-length"], headers["content-type"]) == (str(10 * MIB), "x/y")
    _, begun = urls.send("create_multipart_upload", Bucket=bucket, Key="never")
    urls.send("abort_multipart_upload", expect=204, Bucket=bucket, Key="never", UploadId=inner(begun, "UploadId"))


def test_buckets(urls):
    name = f"presigned-{uuid.uuid4().hex[:20]}"
    urls.send("create_bucket", Bucket=name)
    urls.send("head_bucket", Bucket=name)
    urls.send("get_bucket_location", Bucket=name)
    urls.send("list_objects", Bucket=name)
    urls.send("list_object_versions", Bucket=name)
    urls.send("get_bucket_versioning", Bucket=name)
    urls.send("get_bucket_acl", Bucket=name)
    assert name in urls.send("list_buckets")[1]
    urls.send("delete_bucket", expect=204, Bucket=name)
    urls.send("head_bucket", expect=404, Bucket=name)


def test_a_url_is_for_one_bucket_key_method_and_set_of_parameters(urls, bucket):
    urls.send("put_object", b"secret", Bucket=bucket, Key="k")
    urls.send("put_object", b"other", Bucket=bucket, Key="other")
    url = urllib.parse.urlsplit(urls.s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}))
    for method, target in [
        ("GET", f"{url.path[:-1]}other?{url.query}"),
        ("PUT", f"{url.path}?{url.query}"),
        ("DELETE", f"{url.path}?{url.query}"),
        ("GET", f"{url.path}?{url.query}&response-content-type=text/html"),
        ("GET", f"{url.path}?{url.query}&acl"),
        ("GET", f"{url.path}?{url.query.replace('X-Amz-Expires=3600', 'X-Amz-Expires=7200')}"),
    ]:
        connection = http.client.HTTPConnection(urls.server.address, timeout=60)
        connection.request(method, target, b"", {"Host": url.netloc})
        answer = connection.getresponse()
        assert (answer.status, b"SignatureDoesNotMatch" in answer.read()) == (403, True), (method, target)
        connection.close()
