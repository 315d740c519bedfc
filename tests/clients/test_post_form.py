"""Uploads by a browser's form: what boto3's generate_presigned_post makes, and every way to be refused."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import time
import urllib.parse
import zlib

import pytest
import topology
from conftest import client_at

MIB = 1024 * 1024


class Answer:
    def __init__(self, answer):
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()

    def element(self, name):
        text = self.body.decode()
        return text.split(f"<{name}>")[1].split(f"</{name}>")[0] if f"<{name}>" in text else ""

    @property
    def said(self):
        return self.status, self.element("Code"), self.element("Message").replace("&quot;", '"')


def form(fields, content, file_name="upload.txt", after=()):
    """A body and its type; without content there is no file."""
    boundary = "holdfast-test-boundary"
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields]
    if content is not None:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file_name}"\r\nContent-Type: x/y\r\n\r\n'
        parts += [head.encode(), content, b"\r\n"]
    parts += [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in after]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


class Browser:
    """Posts forms to a bucket of a server."""

    def __init__(self, server, s3, bucket):
        self.server, self.s3, self.bucket = server, s3, bucket

    def post(self, body, kind, headers=()):
        connection = http.client.HTTPConnection(self.server.address, timeout=60)
        connection.request("POST", f"/{self.bucket}", body, {"content-type": kind} | dict(headers))
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def signed(self, key="k", fields=None, conditions=None, expires=60, **more):
        made = self.s3.generate_presigned_post(self.bucket, key, Fields=fields, Conditions=conditions, ExpiresIn=expires)
        return made["fields"] | more

    def send(self, fields, content=b"content", **more):
        return self.post(*form(fields.items(), content, **more))

    def own_policy(self, conditions, expiration="2099-01-01T00:00:00.000Z", secret=topology.SECRET_KEY):
        """Fields of a policy made by hand; a text stands for the whole document."""
        day = time.strftime("%Y%m%d", time.gmtime())
        scope = f"{day}/{topology.REGION}/s3/aws4_request"
        own = {"x-amz-algorithm": "AWS4-HMAC-SHA256", "x-amz-credential": f"{topology.ACCESS_KEY}/{scope}", "x-amz-date": f"{day}T000000Z"}
        document = conditions
        if not isinstance(conditions, str):
            everything = [{"bucket": self.bucket}, *({name: value} for name, value in own.items()), *conditions]
            document = json.dumps({"expiration": expiration, "conditions": everything})
        policy = base64.b64encode(document.encode()).decode()
        key = b"AWS4" + secret.encode()
        for step in [*scope.split("/"), policy]:
            key = hmac.new(key, step.encode(), hashlib.sha256).digest()
        return own | {"policy": policy, "x-amz-signature": key.hex()}

    def get(self, key):
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def keys(self):
        return [entry["Key"] for entry in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])]


@pytest.fixture
def browser(server, s3, bucket):
    return Browser(server, s3, bucket)


def test_what_boto3_makes_is_stored(browser):
    answer = browser.send(browser.signed("dir/a b+c.txt"), b"by form")
    assert answer.status == 204 and answer.body == b""
    assert answer.headers["etag"] == '"' + hashlib.md5(b"by form").hexdigest() + '"'
    assert answer.headers["location"].endswith(f"/{browser.bucket}/dir/a%20b%2Bc.txt")
    assert browser.get("dir/a b+c.txt") == b"by form"


def test_a_large_file_streams_through(browser):
    content = os.urandom(33 * MIB + 17)
    assert browser.send(browser.signed("large"), content).status == 204
    assert hashlib.sha256(browser.get("large")).digest() == hashlib.sha256(content).digest()


def test_an_empty_file_and_bytes_like_a_boundary_are_stored_as_they_are(browser):
    odd = b"\r\n--holdfast-test-boundar\r\n--\r\n\r\n--" * 50
    for key, content in [("empty", b""), ("odd", odd)]:
        assert browser.send(browser.signed(key), content).status == 204
        assert browser.get(key) == content


def test_the_name_of_the_file_takes_the_place_of_its_variable_in_every_field(browser):
    fields = browser.signed("up/${filename}", {"x-amz-meta-name": "was ${filename}"}, [["starts-with", "$x-amz-meta-name", "was "]])
    assert browser.send(fields, file_name="C:\\\\Users\\\\me/holiday.jpg").status == 204
    assert browser.s3.head_object(Bucket=browser.bucket, Key="up/holiday.jpg")["Metadata"] == {"name": "was holiday.jpg"}


def test_fields_are_kept_with_the_object(browser):
    fields = {
        "Content-Type": "text/x-own", "Cache-Control": "no-cache", "Content-Disposition": "attachment", "Content-Encoding": "gzip",
        "Expires": "Wed, 21 Oct 2037 07:28:00 GMT", "x-amz-meta-color": "red", "acl": "public-read", "x-amz-storage-class": "STANDARD",
        "x-amz-website-redirect-location": "/other",
    }
    assert browser.send(browser.signed("k", fields, [{name: value} for name, value in fields.items()])).status == 204
    head = browser.s3.head_object(Bucket=browser.bucket, Key="k")
    assert (head["ContentType"], head["CacheControl"], head["ContentDisposition"]) == ("text/x-own", "no-cache", "attachment")
    assert (head["ContentEncoding"], head["Metadata"], head["WebsiteRedirectLocation"]) == ("gzip", {"color": "red"}, "/other")


def test_tags_come_as_the_document_of_put_object_tagging(browser):
    def tagging(tags):
        return f"<Tagging><TagSet>{tags}</TagSet></Tagging>"

    good = tagging("<Tag><Key>color</Key><Value>red</Value></Tag>")
    for document, expected in [(good, 204), ("no xml", 400), (tagging("<Tag><Key>aws:own</Key><Value>1</Value></Tag>"), 400)]:
        assert browser.send(browser.signed("k", {"tagging": document}, [{"tagging": document}])).status == expected, document
    tags = browser.s3.get_object_tagging(Bucket=browser.bucket, Key="k")["TagSet"]
    assert tags == [{"Key": "color", "Value": "red"}]


def test_checksums_and_md5_are_verified(browser):
    crc = base64.b64encode(zlib.crc32(b"content").to_bytes(4, "big")).decode()
    md5 = base64.b64encode(hashlib.md5(b"content").digest()).decode()
    for name, value in [("x-amz-checksum-crc32", crc), ("Content-MD5", md5)]:
        fields = browser.signed("k", {name: value}, [{name: value}])
        assert browser.send(fields, b"content").status == 204
        assert browser.send(fields | {"key": "k"}, b"contend").said[:2] == (400, "BadDigest")
    assert browser.get("k") == b"content"


def test_the_answer_is_what_the_form_asks_for(browser):
    def answer(**fields):
        return browser.send(browser.signed("a&b", fields, [{name: value} for name, value in fields.items()]))

    assert answer(success_action_status="200").status == 200
    assert answer(success_action_status="204").status == 204
    assert answer(success_action_status="302").status == 204
    created = answer(success_action_status="201")
    assert created.status == 201 and created.headers["content-type"] == "application/xml"
    assert (created.element("Bucket"), created.element("Key")) == (browser.bucket, "a&amp;b")
    assert created.element("Location") == created.headers["location"] == f"http://{browser.server.address}/{browser.bucket}/a%26b"
    assert created.element("ETag").strip("&quot;") in created.headers["etag"]
    for name in ["success_action_redirect", "redirect"]:
        redirected = answer(**{name: "https://site.example/done?from=form"})
        etag = urllib.parse.quote(redirected.headers["etag"])
        expected = f"https://site.example/done?from=form&bucket={browser.bucket}&key=a%26b&etag={etag}"
        assert (redirected.status, redirected.headers["location"]) == (303, expected)
    assert answer(success_action_redirect="no url").status == 204


def test_policies_that_do_not_fit_are_refused_and_nothing_is_stored(browser):
    def refused(fields, content=b"content"):
        status, code, message = browser.send(fields, content).said
        assert (status, code) == (403, "AccessDenied") and message.startswith("Invalid according to Policy: "), message
        return message.removeprefix("Invalid according to Policy: ")

    assert refused(browser.signed(expires=-10)) == "Policy expired."
    assert refused(browser.signed() | {"key": "other"}) == 'Policy Condition failed: ["eq", "$key", "k"]'
    assert refused(browser.signed("u/${filename}") | {"key": "v/x"}) == 'Policy Condition failed: ["starts-with", "$key", "u/"]'
    assert refused(browser.signed() | {"x-amz-meta-more": "1"}) == "Extra input fields: x-amz-meta-more"
    assert refused(browser.signed() | {"acl": "public-read"}) == "Extra input fields: acl"
    assert "acl" in refused(browser.signed(conditions=[{"acl": "private"}]))
    typed = browser.signed(conditions=[["starts-with", "$Content-Type", "image/"]])
    assert "content-type" in refused(typed | {"Content-Type": "text/html"})
    assert browser.send(typed | {"Content-Type": "image/png"}).status == 204
    elsewhere = Browser(browser.server, browser.s3, f"{browser.bucket}-2")
    browser.s3.create_bucket(Bucket=elsewhere.bucket)
    assert elsewhere.send(browser.signed()).said[2] == f'Invalid according to Policy: Policy Condition failed: ["eq", "$bucket", "{browser.bucket}"]'
    assert browser.keys() == ["k"] and elsewhere.keys() == []


def test_names_of_conditions_and_fields_are_alike_in_any_case(browser):
    fields = browser.own_policy([["StArTs-WiTh", "$KeY", "u"], ["EQ", "$CoNtEnT-tYpE", "text/plain"]])
    assert browser.send(fields | {"KEY": "u1", "content-TYPE": "text/plain", "X-Ignore-Me": "1"}).status == 204
    assert browser.keys() == ["u1"]


def test_the_length_must_be_in_its_range(browser):
    fields = browser.signed(conditions=[["content-length-range", 5, 10]])
    for length, expected in [(4, "EntityTooSmall"), (5, ""), (10, ""), (11, "EntityTooLarge"), (3 * MIB, "EntityTooLarge")]:
        answer = browser.send(fields, b"x" * length)
        assert answer.element("Code") == expected and answer.status == (400 if expected else 204), (length, answer.body)
    assert answer.element("MaxSizeAllowed") == "10"
    assert browser.get("k") == b"x" * 10


def test_signatures_are_checked(browser):
    def code(fields):
        return browser.send(fields).said[:2]

    good = browser.signed()
    assert code({"key": "k"}) == (403, "AccessDenied")
    forged = base64.b64encode(base64.b64decode(good["policy"]).replace(b"2026", b"2099").replace(b"2027", b"2099")).decode()
    assert code(good | {"policy": forged}) == (403, "SignatureDoesNotMatch")
    assert code(good | {"x-amz-signature": "00" * 32}) == (403, "SignatureDoesNotMatch")
    assert code(browser.own_policy([{"key": "k"}], secret="another-secret") | {"key": "k"}) == (403, "SignatureDoesNotMatch")
    nobody = good["x-amz-credential"].replace(topology.ACCESS_KEY, "nobody")
    assert code(good | {"x-amz-credential": nobody}) == (403, "InvalidAccessKeyId")
    for name, value in [("x-amz-credential", "nonsense"), ("x-amz-algorithm", "AWS4"), ("x-amz-date", "today"), ("x-amz-signature", "zz")]:
        assert code(good | {name: value}) == (400, "AuthorizationQueryParametersError"), name
    region = good["x-amz-credential"].replace(f"/{topology.REGION}/", "/elsewhere/")
    assert browser.send(good | {"x-amz-credential": region}).said[1:] == (
        "AuthorizationQueryParametersError",
        f"Error parsing the X-Amz-Credential parameter; the region 'elsewhere' is wrong; expecting '{topology.REGION}'",
    )
    for name in ["x-amz-credential", "x-amz-algorithm", "x-amz-date", "x-amz-signature", "policy", "key"]:
        status, said, message = browser.send({field: value for field, value in good.items() if field != name}).said
        assert (status, said) == (400, "InvalidArgument") and f"named '{name}'" in message, name
    assert code(good | {"x-amz-security-token": "made-up"}) == (400, "InvalidToken")
    assert browser.keys() == []


def test_a_policy_that_is_none_is_refused_as_such(browser):
    end = '"expiration": "2099-01-01T00:00:00Z"'
    for document, words in [
        ("no json", "Invalid JSON"),
        ('{"conditions": []}', "missing expiration"),
        (f"{{{end}}}", "missing conditions"),
        (f'{{{end}, "conditions": [["eq", "$key"]]}}', "Condition"),
        (f'{{{end}, "conditions": [["like", "$key", "k"]]}}', "Condition"),
        (f'{{{end}, "conditions": [["content-length-range", -1, 5]]}}', "Condition"),
    ]:
        status, code, message = browser.send(browser.own_policy(document) | {"key": "k"}).said
        assert (status, code) == (400, "InvalidPolicyDocument") and words in message, (document, message)
    assert browser.keys() == []


def test_forms_that_are_none_get_their_codes(browser):
    good = list(browser.signed().items())
    body, kind = form(good, b"content")

    def code(body, kind, **headers):
        return browser.post(body, kind, headers).said[:2]

    assert code(b"{}", "application/json") == (412, "PreconditionFailed")
    assert code(body, "multipart/form-data") == (400, "MalformedPOSTRequest")
    assert code(body, "multipart/form-data; boundary=another") == (400, "MalformedPOSTRequest")
    assert code(*form(good, None)) == (400, "InvalidArgument")
    assert code(body[:-30], kind) == (400, "IncompleteBody"), "the last boundary is missing"
    assert code(*form([("long", "x" * 30_000), *good], b"content")) == (400, "MaxPostPreDataLengthExceeded")
    late = browser.post(*form([], b"content", after=good))
    assert late.said[:2] == (400, "InvalidArgument") and "named 'key'" in late.said[2], "the file comes last"
    missing = Browser(browser.server, browser.s3, "no-such-bucket-of-forms")
    assert missing.post(*form(missing.signed().items(), b"content")).said[:2] == (404, "NoSuchBucket")
    assert browser.keys() == []


def test_what_follows_the_file_is_ignored(browser):
    assert browser.post(*form(browser.signed().items(), b"content", after=[("submit", "Upload")])).status == 204
    assert browser.get("k") == b"content"


def test_what_puts_refuse_forms_refuse_too(browser):
    for name, value, expected in [
        ("acl", "mine", (400, "InvalidArgument")),
        ("x-amz-storage-class", "GLACIER", (400, "InvalidStorageClass")),
        ("x-amz-server-side-encryption", "AES512", (400, "InvalidArgument")),
        ("x-amz-checksum-crc32", "garbage", (400, "InvalidRequest")),
        ("Content-MD5", "garbage", (400, "InvalidDigest")),
        ("x-amz-meta-long", "x" * 3000, (400, "MetadataTooLarge")),
    ]:
        assert browser.send(browser.signed("k", {name: value}, [{name: value}])).said[:2] == expected, name
    long = browser.signed("k" * 1025)
    assert browser.send(long).said[:2] == (400, "KeyTooLongError")
    assert browser.keys() == []


def test_a_connection_that_breaks_leaves_nothing(browser):
    body, kind = form(browser.signed().items(), b"x" * MIB)
    connection = http.client.HTTPConnection(browser.server.address, timeout=60)
    connection.putrequest("POST", f"/{browser.bucket}")
    connection.putheader("content-type", kind)
    connection.putheader("content-length", str(len(body)))
    connection.endheaders(body[: len(body) // 2])
    connection.close()
    assert browser.send(browser.signed("other")).status == 204
    assert browser.keys() == ["other"]


def test_forms_signed_with_version_2_count_where_that_is_allowed(tmp_path):
    server = topology.serve(tmp_path)
    for flags, status in [([], 400), (["--signature-v2=on"], 204)]:
        server.front.arguments += flags
        server.start()
        s3 = client_at(server.endpoint, signature_version="s3", request_checksum_calculation="when_required")
        v4 = client_at(server.endpoint)
        if status == 400:
            v4.create_bucket(Bucket="forms")
        browser = Browser(server, s3, "forms")
        fields = browser.signed("k", {"x-amz-meta-a": "1"}, [{"x-amz-meta-a": "1"}])
        assert "AWSAccessKeyId" in fields
        assert browser.send(fields).status == status
        if status == 204:
            assert browser.send(fields | {"signature": "c2ln"}).said[:2] == (403, "SignatureDoesNotMatch")
            assert browser.send(fields | {"AWSAccessKeyId": "nobody"}).said[:2] == (403, "InvalidAccessKeyId")
            assert v4.get_object(Bucket="forms", Key="k")["Body"].read() == b"content"
        server.stop()
