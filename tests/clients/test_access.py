"""Who may do what: accounts, anonymous requests, policies, ACLs and what bounds them, by boto3 and `holdfast admin`."""

import json
import urllib.error
import urllib.request
import uuid

import boto3
import botocore
import pytest
import topology
from botocore.exceptions import ClientError

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"


class Account:
    """An account, its keys and clients of its root."""

    def __init__(self, server, name):
        self.server, self.name, self.email = server, name, f"{name}@example.com"
        made = json.loads(server.admin("account", "add", name, "--email", self.email, "--json"))
        self.id, self.access_key, self.secret_key = made["account"], made["access_key"], made["secret_key"]
        listed = json.loads(server.admin("account", "list", "--json"))["accounts"]
        self.canonical = next(account["canonical_id"] for account in listed if account["id"] == self.id)
        self.arn = f"arn:aws:iam::{self.id}:root"
        self.s3 = client(server, self.access_key, self.secret_key)


def client(server, access_key, secret_key, **config):
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=topology.REGION,
        config=boto3.session.Config(**config) if config else None,
    )


def fresh(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:16]}"


@pytest.fixture(scope="session")
def other(server):
    return Account(server, fresh("other"))


@pytest.fixture(scope="session")
def third(server):
    return Account(server, fresh("third"))


@pytest.fixture(scope="session")
def anybody(server):
    """A client that signs nothing."""
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name=topology.REGION,
        config=boto3.session.Config(signature_version=botocore.UNSIGNED),
    )


@pytest.fixture(scope="session")
def first_id(server):
    return json.loads(server.admin("account", "list", "--json"))["accounts"][0]["id"]


def refused(code, status, call, **arguments):
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    answer = raised.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status), answer
    return answer["Error"]


def denied(call, **arguments):
    return refused("AccessDenied", 403, call, **arguments)


def head_refused(status, call, **arguments):
    return refused(str(status), status, call, **arguments)


def allow(s3, bucket, *statements):
    """Sets a policy; a statement is given by what differs from one that allows everybody everything."""
    whole = {"Effect": "Allow", "Principal": "*", "Action": "s3:*"}
    resources = {"Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}
    policy = {"Version": "2012-10-17", "Statement": [whole | resources | statement for statement in statements]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def test_accounts_own_their_buckets_and_see_no_others(s3, bucket, other):
    own = fresh("own")
    other.s3.create_bucket(Bucket=own)
    assert [b["Name"] for b in other.s3.list_buckets()["Buckets"] if b["Name"] in (own, bucket)] == [own]
    assert own not in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    assert other.s3.list_buckets()["Owner"]["ID"] == other.canonical
    refused("BucketAlreadyOwnedByYou", 409, other.s3.create_bucket, Bucket=own)
    refused("BucketAlreadyExists", 409, s3.create_bucket, Bucket=own)
    refused("BucketAlreadyExists", 409, other.s3.create_bucket, Bucket=bucket)
    other.s3.put_object(Bucket=own, Key="k", Body=b"v")
    assert other.s3.get_object(Bucket=own, Key="k")["Body"].read() == b"v"
    for call, arguments in [
        (s3.get_object, {"Key": "k"}), (s3.list_objects_v2, {}), (s3.delete_object, {"Key": "k"}),
        (s3.put_object, {"Key": "new", "Body": b""}), (s3.delete_bucket, {}), (s3.get_bucket_policy, {}),
        (s3.get_bucket_acl, {}), (s3.create_multipart_upload, {"Key": "m"}), (s3.get_object_tagging, {"Key": "k"}),
        (s3.put_bucket_versioning, {"VersioningConfiguration": {"Status": "Enabled"}}),
        (s3.delete_objects, {"Delete": {"Objects": [{"Key": "k"}]}}), (s3.get_object_acl, {"Key": "k"}),
    ]:
        denied(call, Bucket=own, **arguments)
    head_refused(403, s3.head_bucket, Bucket=own)
    head_refused(403, s3.head_object, Bucket=own, Key="missing")
    refused("NoSuchBucket", 404, s3.get_object, Bucket=fresh("none"), Key="k")
    denied(s3.copy_object, Bucket=bucket, Key="stolen", CopySource={"Bucket": own, "Key": "k"})
    assert other.s3.list_objects_v2(Bucket=own)["KeyCount"] == 1


def test_accounts_and_keys_are_managed_by_the_operator(server):
    account = Account(server, fresh("managed"))
    assert account.name in server.admin("account", "list")
    assert account.secret_key not in server.admin("key", "list", "--json")
    said = server.admin("account", "add", account.name, fails=True)
    assert "there is an account of this name" in said
    second = json.loads(server.admin("key", "add", account.id, "--json"))
    account.s3.create_bucket(Bucket=(bucket := fresh("managed")))
    with_second = client(server, second["access_key"], second["secret_key"])
    assert with_second.list_buckets()["Owner"]["ID"] == account.canonical
    assert "no longer believed" in server.admin("key", "disable", account.access_key)
    refused("InvalidAccessKeyId", 403, account.s3.list_buckets)
    server.admin("key", "enable", account.access_key)
    account.s3.list_buckets()
    server.admin("key", "remove", second["access_key"])
    refused("InvalidAccessKeyId", 403, with_second.list_buckets)
    assert "owns buckets" in server.admin("account", "remove", account.id, fails=True)
    account.s3.delete_bucket(Bucket=bucket)
    server.admin("account", "remove", account.id)
    refused("InvalidAccessKeyId", 403, account.s3.list_buckets)
    assert "there is no such account" in server.admin("key", "add", account.id, fails=True)
    assert "is no account" in server.admin("key", "add", "me", fails=True)


def test_accounts_outlive_a_restart(running):
    account = Account(running, "lasting")
    account.s3.create_bucket(Bucket="lasting-bucket")
    account.s3.put_object(Bucket="lasting-bucket", Key="k", Body=b"v", ACL="public-read")
    running.front.kill()
    running.start_front()
    assert [b["Name"] for b in account.s3.list_buckets()["Buckets"]] == ["lasting-bucket"]
    with urllib.request.urlopen(f"{running.endpoint}/lasting-bucket/k") as answer:
        assert answer.read() == b"v"


def test_a_policy_opens_and_closes_a_bucket_for_everybody(s3, bucket, anybody):
    s3.put_object(Bucket=bucket, Key="open/k", Body=b"v")
    s3.put_object(Bucket=bucket, Key="closed", Body=b"secret")
    denied(anybody.get_object, Bucket=bucket, Key="open/k")
    allow(s3, bucket, {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/open/*"})
    assert anybody.get_object(Bucket=bucket, Key="open/k")["Body"].read() == b"v"
    assert anybody.head_object(Bucket=bucket, Key="open/k")["ContentLength"] == 1
    denied(anybody.get_object, Bucket=bucket, Key="closed")
    # Who may not list does not learn what is there.
    denied(anybody.get_object, Bucket=bucket, Key="open/missing")
    denied(anybody.list_objects_v2, Bucket=bucket)
    denied(anybody.put_object, Bucket=bucket, Key="open/k", Body=b"x")
    denied(anybody.get_object_tagging, Bucket=bucket, Key="open/k")
    allow(s3, bucket, {"Action": ["s3:GetObject", "s3:ListBucket"]})
    refused("NoSuchKey", 404, anybody.get_object, Bucket=bucket, Key="open/missing")
    assert anybody.list_objects_v2(Bucket=bucket)["KeyCount"] == 2
    s3.delete_bucket_policy(Bucket=bucket)
    denied(anybody.get_object, Bucket=bucket, Key="open/k")
    assert s3.get_object(Bucket=bucket, Key="open/k")["Body"].read() == b"v"


def test_everybody_may_upload_where_a_policy_says_so(s3, bucket, anybody, server):
    allow(s3, bucket, {"Action": ["s3:PutObject", "s3:DeleteObject"]})
    anybody.put_object(Bucket=bucket, Key="k", Body=b"from nobody")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"from nobody"
    denied(anybody.put_object, Bucket=bucket, Key="k", Body=b"x", Tagging="a=b")
    denied(anybody.put_object, Bucket=bucket, Key="k", Body=b"x", ACL="public-read")
    form = b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nform\r\n--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nin a form\r\n--b--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=b"}
    post = urllib.request.Request(f"{server.endpoint}/{bucket}", data=form, headers=headers, method="POST")
    with urllib.request.urlopen(post) as answer:
        assert answer.status == 204
    assert s3.get_object(Bucket=bucket, Key="form")["Body"].read() == b"in a form"
    removed = anybody.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "k", "VersionId": "null"}]})
    assert [(e["Key"], e["Code"]) for e in removed["Errors"]] == [("k", "AccessDenied")]
    s3.delete_bucket_policy(Bucket=bucket)
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(urllib.request.Request(f"{server.endpoint}/{bucket}", data=form, headers=headers, method="POST"))
    assert raised.value.code == 403 and b"AccessDenied" in raised.value.read()


def test_tags_in_a_form_take_the_right_to_give_them(s3, bucket, server):
    def post(field, value):
        fields = {"key": "k", field: value, "file": "v"}
        parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()]
        body, headers = "".join([*parts, "--b--\r\n"]).encode(), {"content-type": "multipart/form-data; boundary=b"}
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{server.endpoint}/{bucket}", data=body, headers=headers)) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def tagging(team):
        return f"<Tagging><TagSet><Tag><Key>team</Key><Value>{team}</Value></Tag></TagSet></Tagging>"

    objects = {"Resource": f"arn:aws:s3:::{bucket}/*"}
    allow(s3, bucket, objects | {"Action": "s3:PutObject"})
    assert (post("tagging", tagging("red")), post("x-amz-tagging", "team=red")) == (403, 403)
    red = {"StringEquals": {"s3:RequestObjectTag/team": "red"}}
    allow(s3, bucket, objects | {"Action": ["s3:PutObject", "s3:PutObjectTagging"], "Condition": red})
    assert (post("tagging", tagging("blue")), post("x-amz-tagging", "team=blue")) == (403, 403)
    assert post("tagging", tagging("red")) == 204
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "team", "Value": "red"}]


def test_a_policy_lets_another_account_in_and_no_third_one(s3, bucket, other, third):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v", Tagging="team=red")
    s3.put_object(Bucket=bucket, Key="blue", Body=b"v", Tagging="team=blue")
    tagged = {"StringEquals": {"s3:ExistingObjectTag/team": "red"}}
    listing = {"StringLike": {"s3:prefix": "shared/*"}, "NumericLessThanEquals": {"s3:max-keys": "10"}}
    own = {"Principal": {"AWS": other.arn}}
    allow(
        s3, bucket,
        own | {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*", "Condition": tagged},
        own | {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}", "Condition": listing},
        own | {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/in/*"},
    )
    assert other.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"v"
    denied(other.s3.get_object, Bucket=bucket, Key="blue")
    denied(third.s3.get_object, Bucket=bucket, Key="k")
    other.s3.list_objects_v2(Bucket=bucket, Prefix="shared/", MaxKeys=10)
    denied(other.s3.list_objects_v2, Bucket=bucket, Prefix="shared/", MaxKeys=11)
    denied(other.s3.list_objects_v2, Bucket=bucket)
    other.s3.put_object(Bucket=bucket, Key="in/k", Body=b"mine")
    denied(other.s3.put_object, Bucket=bucket, Key="in/k", Body=b"", ACL="bucket-owner-full-control")
    denied(other.s3.copy_object, Bucket=bucket, Key="in/copy", CopySource={"Bucket": bucket, "Key": "blue"})
    denied(other.s3.copy_object, Bucket=bucket, Key="in/copy", CopySource={"Bucket": bucket, "Key": "k"})
    other.s3.copy_object(Bucket=bucket, Key="in/copy", CopySource={"Bucket": bucket, "Key": "k"}, TaggingDirective="REPLACE")
    # What another account stored is its own: a policy of the bucket opens it to nobody.
    denied(s3.get_object, Bucket=bucket, Key="in/k")
    s3.delete_object(Bucket=bucket, Key="in/k")


def test_a_denial_wins_and_names_the_caller_and_what_denied_it(s3, bucket, first_id):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    allow(s3, bucket, {"Effect": "Deny", "Action": ["s3:GetObject", "s3:GetBucketPolicy", "s3:DeleteBucketPolicy"]})
    error = denied(s3.get_object, Bucket=bucket, Key="k")
    assert error["Message"] == (
        f"User: arn:aws:iam::{first_id}:root is not authorized to perform: s3:GetObject on resource: "
        f'"arn:aws:s3:::{bucket}/k" with an explicit deny in a resource-based policy'
    )
    s3.put_object(Bucket=bucket, Key="k", Body=b"w")
    # No policy locks out the account that owns the bucket.
    assert "Deny" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"w"


def test_conditions_see_the_request(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    presigned = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})

    def fetch(**headers):
        with urllib.request.urlopen(urllib.request.Request(presigned, headers=headers)) as answer:
            return answer.status

    def is_denied(condition, **headers):
        allow(s3, bucket, {"Effect": "Deny", "Action": "s3:GetObject", "Condition": condition})
        try:
            return fetch(**headers) != 200
        except urllib.error.HTTPError as error:
            return error.code == 403

    for condition, headers in [
        ({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, {}),
        ({"Bool": {"aws:SecureTransport": "false"}}, {}),
        ({"StringEquals": {"aws:UserAgent": "browser"}}, {"User-Agent": "browser"}),
        ({"StringLike": {"aws:Referer": "https://evil/*"}}, {"Referer": "https://evil/x"}),
        ({"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}, {}),
        ({"StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}}, {}),
        ({"NumericGreaterThanEquals": {"s3:signatureAge": "0"}}, {}),
        ({"StringEquals": {"aws:PrincipalType": "Account"}}, {}),
        ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, {}),
        ({"NumericGreaterThan": {"aws:EpochTime": "1500000000"}}, {}),
    ]:
        assert is_denied(condition, **headers), condition
    for condition in [
        {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"StringEquals": {"s3:authType": "REST-HEADER"}},
        {"NumericGreaterThan": {"s3:signatureAge": "600000"}},
        {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
        {"StringEquals": {"aws:PrincipalType": "User"}},
    ]:
        assert not is_denied(condition), condition


def test_uploads_must_be_as_the_policy_wants_them(s3, bucket):
    untagged = {"Effect": "Deny", "Action": "s3:PutObject", "Condition": {"StringNotEquals": {"s3:RequestObjectTag/team": "red"}}}
    unclassed = {"Effect": "Deny", "Action": "s3:PutObject", "Condition": {"StringEquals": {"s3:x-amz-storage-class": "STANDARD_IA"}}}
    others = {"Effect": "Deny", "Action": "s3:PutObject", "Condition": {"ForAnyValue:StringNotEquals": {"s3:RequestObjectTagKeys": ["team"]}}}
    allow(s3, bucket, untagged, unclassed, others)
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Tagging="team=red")
    denied(s3.put_object, Bucket=bucket, Key="k", Body=b"")
    denied(s3.put_object, Bucket=bucket, Key="k", Body=b"", Tagging="team=blue")
    denied(s3.put_object, Bucket=bucket, Key="k", Body=b"", Tagging="team=red&more=1")
    denied(s3.put_object, Bucket=bucket, Key="k", Body=b"", Tagging="team=red", StorageClass="STANDARD_IA")
    allow(s3, bucket, {"Effect": "Deny", "Action": "s3:PutObject", "Condition": {"Null": {"s3:if-none-match": "true"}}})
    denied(s3.put_object, Bucket=bucket, Key="once", Body=b"")
    s3.put_object(Bucket=bucket, Key="once", Body=b"", IfNoneMatch="*")


def test_who_must_write_on_a_condition_may_upload_parts_without_one(s3, bucket):
    unconditional = {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}
    allow(s3, bucket, {"Effect": "Deny", "Action": "s3:PutObject", "Condition": unconditional})
    s3.put_object(Bucket=bucket, Key="source", Body=b"v", IfNoneMatch="*")
    denied(s3.put_object, Bucket=bucket, Key="k", Body=b"")
    denied(s3.copy_object, Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "source"})
    where = {"Bucket": bucket, "Key": "k", "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]}
    s3.upload_part_copy(**where, PartNumber=1, CopySource={"Bucket": bucket, "Key": "source"})
    part = s3.upload_part(**where, PartNumber=1, Body=b"v")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    denied(s3.complete_multipart_upload, **where, MultipartUpload=parts)
    s3.complete_multipart_upload(**where, MultipartUpload=parts, IfNoneMatch="*")


def test_policies_are_given_back_and_checked(s3, bucket, other):
    allow(s3, bucket, {"Principal": {"AWS": other.arn}})
    given = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    assert given["Statement"][0]["Principal"] == {"AWS": other.arn}
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is False
    allow(s3, bucket, {"Action": "s3:GetObject"} | {"Resource": f"arn:aws:s3:::{bucket}/*"})
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True

    def malformed(**statement):
        whole = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
        policy = json.dumps({"Statement": [whole | statement]})
        return refused("MalformedPolicy", 400, s3.put_bucket_policy, Bucket=bucket, Policy=policy)["Message"]

    assert malformed(Principal={"AWS": "arn:aws:iam::999999999999:root"}) == "Invalid principal in policy"
    assert malformed(Principal={"CanonicalUser": "0" * 64}) == "Invalid principal in policy"
    assert malformed(Resource="arn:aws:s3:::another/*") == "Policy has invalid resource"
    assert malformed(Action="s3:Fly") == "Policy has invalid action"
    assert malformed(Action="s3:ListBucket") == "Action does not apply to any resource(s) in statement"
    assert malformed(Condition={"StringIs": {"s3:prefix": "a"}}) == "Invalid Condition type : StringIs"
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True, "still the one before"


def test_block_public_access_holds_against_policies(s3, bucket, anybody, other):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    allow(s3, bucket, {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"})
    anybody.get_object(Bucket=bucket, Key="k")
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    denied(anybody.get_object, Bucket=bucket, Key="k")
    denied(other.s3.get_object, Bucket=bucket, Key="k")
    s3.get_object(Bucket=bucket, Key="k")
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicPolicy": True})
    anybody.get_object(Bucket=bucket, Key="k")
    with pytest.raises(ClientError) as raised:
        allow(s3, bucket, {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"})
    assert "public policies are prevented by the BlockPublicPolicy setting" in raised.value.response["Error"]["Message"]
    allow(s3, bucket, {"Principal": {"AWS": other.arn}})
    other.s3.get_object(Bucket=bucket, Key="k")


def test_acls_open_what_they_are_set_on(s3, bucket, anybody, other, third):
    s3.put_object(Bucket=bucket, Key="public", Body=b"v", ACL="public-read")
    s3.put_object(Bucket=bucket, Key="signed", Body=b"v", ACL="authenticated-read")
    s3.put_object(Bucket=bucket, Key="granted", Body=b"v", GrantRead=f"id={other.canonical}")
    s3.put_object(Bucket=bucket, Key="private", Body=b"v")
    readers = {"public": [anybody, other.s3, third.s3], "signed": [other.s3, third.s3], "granted": [other.s3], "private": []}
    for key, may in readers.items():
        for reader in [anybody, other.s3, third.s3]:
            if reader in may:
                assert reader.get_object(Bucket=bucket, Key=key)["Body"].read() == b"v"
            else:
                denied(reader.get_object, Bucket=bucket, Key=key)
            denied(reader.get_object_acl, Bucket=bucket, Key=key)
    s3.put_object_acl(Bucket=bucket, Key="public", ACL="private")
    denied(anybody.get_object, Bucket=bucket, Key="public")
    # A copy has its own list, and none of its source's.
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "signed"})
    denied(other.s3.get_object, Bucket=bucket, Key="copy")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "private"}, ACL="public-read")
    anybody.get_object(Bucket=bucket, Key="copy")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts", ACL="public-read")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"v")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload=parts)
    assert anybody.get_object(Bucket=bucket, Key="parts")["Body"].read() == b"v"


def test_every_version_has_its_own_acl(s3, bucket, anybody):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    open_one = s3.put_object(Bucket=bucket, Key="k", Body=b"1", ACL="public-read")["VersionId"]
    closed_one = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    assert anybody.get_object(Bucket=bucket, Key="k", VersionId=open_one)["Body"].read() == b"1"
    denied(anybody.get_object, Bucket=bucket, Key="k")
    s3.put_object_acl(Bucket=bucket, Key="k", VersionId=open_one, ACL="private")
    s3.put_object_acl(Bucket=bucket, Key="k", VersionId=closed_one, ACL="public-read")
    denied(anybody.get_object, Bucket=bucket, Key="k", VersionId=open_one)
    assert anybody.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"


def test_acls_of_buckets_let_others_list_and_store(s3, bucket, anybody, other):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    assert anybody.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    denied(anybody.get_object, Bucket=bucket, Key="k")
    refused("NoSuchKey", 404, anybody.get_object, Bucket=bucket, Key="missing")
    denied(anybody.put_object, Bucket=bucket, Key="new", Body=b"")
    s3.put_bucket_acl(Bucket=bucket, GrantWrite=f"id={other.canonical}", GrantReadACP=f"emailAddress={other.email}")
    other.s3.put_object(Bucket=bucket, Key="theirs", Body=b"mine", ACL="public-read")
    assert anybody.get_object(Bucket=bucket, Key="theirs")["Body"].read() == b"mine"
    # Who stored it owns it and its ACL; its tags are the bucket's matter.
    assert other.s3.get_object(Bucket=bucket, Key="theirs")["Body"].read() == b"mine"
    denied(other.s3.put_object_tagging, Bucket=bucket, Key="theirs", Tagging={"TagSet": []})
    assert s3.get_object_tagging(Bucket=bucket, Key="theirs")["TagSet"] == []
    denied(other.s3.list_objects_v2, Bucket=bucket)
    acl = other.s3.get_bucket_acl(Bucket=bucket)
    assert [(g["Grantee"]["ID"], g["Permission"]) for g in acl["Grants"]] == [
        (other.canonical, "READ_ACP"), (other.canonical, "WRITE"),
    ]
    denied(other.s3.put_bucket_acl, Bucket=bucket, ACL="private")
    made = fresh("public")
    s3.create_bucket(Bucket=made, ACL="public-read-write")
    anybody.put_object(Bucket=made, Key="k", Body=b"v")
    s3.delete_object(Bucket=made, Key="k")
    s3.delete_bucket(Bucket=made)


def test_documents_of_acls_come_back_and_are_checked(s3, bucket, other):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    acl = s3.get_object_acl(Bucket=bucket, Key="k")
    assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]
    grant = {"Grantee": {"Type": "AmazonCustomerByEmail", "EmailAddress": other.email}, "Permission": "READ"}
    group = {"Grantee": {"Type": "Group", "URI": AUTHENTICATED_USERS}, "Permission": "READ_ACP"}
    policy = {"Owner": acl["Owner"], "Grants": [*acl["Grants"], grant, group]}
    s3.put_object_acl(Bucket=bucket, Key="k", AccessControlPolicy=policy)
    kept = s3.get_object_acl(Bucket=bucket, Key="k")["Grants"]
    assert kept[1]["Grantee"] == {"Type": "CanonicalUser", "ID": other.canonical, "DisplayName": other.name}
    assert kept[2] == group
    assert other.s3.get_object_acl(Bucket=bucket, Key="k")["Owner"] == acl["Owner"]

    def bad(code, **changes):
        with_change = {"Owner": acl["Owner"], "Grants": [grant | changes]}
        return refused(code, 403 if code == "AccessDenied" else 400, s3.put_object_acl, Bucket=bucket, Key="k", AccessControlPolicy=with_change)

    bad("UnresolvableGrantByEmailAddress", Grantee={"Type": "AmazonCustomerByEmail", "EmailAddress": "no@body.example"})
    bad("InvalidArgument", Grantee={"Type": "CanonicalUser", "ID": "0" * 64})
    bad("InvalidArgument", Grantee={"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/Nobody"})
    bad("MalformedACLError", Permission="LOOK")
    many = {"Owner": acl["Owner"], "Grants": [grant] * 101}
    refused("MalformedACLError", 400, s3.put_object_acl, Bucket=bucket, Key="k", AccessControlPolicy=many)
    foreign = {"Owner": {"ID": other.canonical}, "Grants": [grant]}
    refused("AccessDenied", 403, s3.put_object_acl, Bucket=bucket, Key="k", AccessControlPolicy=foreign)
    refused("InvalidRequest", 400, s3.put_object_acl, Bucket=bucket, Key="k", ACL="private", GrantRead=f"id={other.canonical}")
    refused("InvalidArgument", 400, s3.put_object, Bucket=bucket, Key="k", Body=b"", ACL="mine")


def test_block_public_access_holds_against_acls(s3, bucket, anybody, other):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v", ACL="public-read")
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    denied(anybody.get_object, Bucket=bucket, Key="k")
    s3.put_object_acl(Bucket=bucket, Key="k", ACL="public-read")
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    anybody.get_object(Bucket=bucket, Key="k")
    for call, arguments in [
        (s3.put_object, {"Key": "new", "Body": b"", "ACL": "public-read"}),
        (s3.put_object_acl, {"Key": "k", "ACL": "public-read-write"}),
        (s3.put_bucket_acl, {"ACL": "authenticated-read"}),
        (s3.copy_object, {"Key": "new", "CopySource": f"{bucket}/k", "GrantRead": f"uri={ALL_USERS}"}),
        (s3.create_multipart_upload, {"Key": "new", "ACL": "public-read"}),
    ]:
        assert "BlockPublicAcls" in denied(call, Bucket=bucket, **arguments)["Message"]
    s3.put_object(Bucket=bucket, Key="new", Body=b"", GrantRead=f"id={other.canonical}")
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_object_acl(Bucket=bucket, Key="new", ACL="public-read")


def ownership(s3, bucket, rule):
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": rule}]})


def test_ownership_controls_say_whose_an_upload_is(s3, bucket, other):
    own = s3.get_bucket_acl(Bucket=bucket)["Owner"]["ID"]
    allow(s3, bucket, {"Principal": {"AWS": other.id}})
    handed = {"Bucket": bucket, "Body": b"v", "ACL": "bucket-owner-full-control"}
    other.s3.put_object(Bucket=bucket, Key="writer", Body=b"v")
    other.s3.put_object(Key="handed", **handed)
    denied(s3.get_object, Bucket=bucket, Key="writer")
    denied(s3.get_object_acl, Bucket=bucket, Key="writer")
    s3.put_object(Bucket=bucket, Key="own", Body=b"v")
    owners = {"handed": other.canonical, "own": own, "writer": other.canonical}
    assert {o["Key"]: o["Owner"]["ID"] for o in s3.list_objects(Bucket=bucket)["Contents"]} == owners
    listed = s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"]
    assert {o["Key"]: o["Owner"]["ID"] for o in listed} == owners
    assert {o["Key"]: o["Owner"]["ID"] for o in s3.list_object_versions(Bucket=bucket)["Versions"]} == owners
    acl = s3.get_object_acl(Bucket=bucket, Key="handed")
    assert acl["Owner"]["ID"] == other.canonical
    assert [grant["Grantee"]["ID"] for grant in acl["Grants"]] == [other.canonical, own]
    ownership(s3, bucket, "BucketOwnerPreferred")
    other.s3.put_object(Key="preferred", **handed)
    other.s3.put_object(Bucket=bucket, Key="writer2", Body=b"v")
    assert s3.get_object_acl(Bucket=bucket, Key="preferred")["Owner"]["ID"] == own
    denied(s3.get_object, Bucket=bucket, Key="writer2")
    ownership(s3, bucket, "BucketOwnerEnforced")
    assert s3.get_object(Bucket=bucket, Key="writer")["Body"].read() == b"v"
    assert s3.get_object_acl(Bucket=bucket, Key="writer")["Owner"]["ID"] == own
    assert {o["Owner"]["ID"] for o in s3.list_objects(Bucket=bucket)["Contents"]} == {own}
    other.s3.put_object(Key="enforced", **handed)
    for call, arguments in [
        (s3.put_object, {"Key": "k", "Body": b"", "ACL": "public-read"}), (s3.put_bucket_acl, {"ACL": "private"}),
        (s3.put_object_acl, {"Key": "writer", "ACL": "private"}),
        (s3.create_multipart_upload, {"Key": "k", "GrantRead": f"id={other.canonical}"}),
    ]:
        refused("AccessControlListNotSupported", 400, call, Bucket=bucket, **arguments)
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    denied(s3.get_object, Bucket=bucket, Key="writer")
    assert s3.get_object(Bucket=bucket, Key="enforced")["Body"].read() == b"v"
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    refused("InvalidBucketAclWithObjectOwnership", 400, s3.put_bucket_ownership_controls, Bucket=bucket, OwnershipControls=enforced)


def test_the_expected_owner_must_be_the_owner(s3, bucket, first_id, other):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v", ExpectedBucketOwner=first_id)
    s3.get_object(Bucket=bucket, Key="k", ExpectedBucketOwner=first_id)
    denied(s3.get_object, Bucket=bucket, Key="k", ExpectedBucketOwner=other.id)
    denied(s3.list_objects_v2, Bucket=bucket, ExpectedBucketOwner=other.id)
    refused("InvalidBucketOwnerAWSAccountID", 400, s3.list_objects_v2, Bucket=bucket, ExpectedBucketOwner="me")
    source = {"Bucket": bucket, "Key": "copy", "CopySource": f"{bucket}/k"}
    s3.copy_object(**source, ExpectedSourceBucketOwner=first_id)
    denied(s3.copy_object, **source, ExpectedSourceBucketOwner=other.id)


def test_who_may_not_bypass_governance_does_not(s3, other):
    locked = fresh("locked")
    s3.create_bucket(Bucket=locked, ObjectLockEnabledForBucket=True)
    allow(s3, locked, {"Principal": {"AWS": other.id}, "Action": ["s3:PutObject", "s3:PutObjectRetention", "s3:DeleteObjectVersion"], "Resource": f"arn:aws:s3:::{locked}/*"})
    lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2099-01-01"}
    version = other.s3.put_object(Bucket=locked, Key="k", Body=b"v", **lock)["VersionId"]
    denied(other.s3.delete_object, Bucket=locked, Key="k", VersionId=version, BypassGovernanceRetention=True)
    s3.delete_object(Bucket=locked, Key="k", VersionId=version, BypassGovernanceRetention=True)
    s3.delete_bucket(Bucket=locked)


def test_new_buckets_may_be_closed(running):
    running.front.terminate()
    running.front.arguments += ["--new-buckets", "closed", "--bucket", "from-the-start"]
    running.start_front()
    s3 = client(running, topology.ACCESS_KEY, topology.SECRET_KEY)
    s3.create_bucket(Bucket="closed-bucket")
    for bucket in ["closed-bucket", "from-the-start"]:
        rules = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
        assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
        refused("AccessControlListNotSupported", 400, s3.put_bucket_acl, Bucket=bucket, ACL="public-read")
        with pytest.raises(ClientError) as raised:
            allow(s3, bucket, {})
        assert raised.value.response["Error"]["Code"] == "AccessDenied"
    refused("InvalidBucketAclWithObjectOwnership", 400, s3.create_bucket, Bucket="with-acl", ACL="public-read")
    refused("AccessDenied", 403, s3.create_bucket, Bucket="with-acl", ACL="public-read", ObjectOwnership="ObjectWriter")
    s3.create_bucket(Bucket="with-acl", ACL="private")


def test_who_began_an_upload_may_see_and_end_it(s3, bucket, other, third):
    allow(s3, bucket, {"Principal": {"AWS": [other.id, third.id]}, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"})
    upload = {"Bucket": bucket, "Key": "k", "UploadId": other.s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]}
    other.s3.upload_part(**upload, PartNumber=1, Body=b"v")
    assert other.s3.list_parts(**upload)["Initiator"]["ID"] == other.canonical
    assert s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["Owner"]["ID"] == other.canonical
    denied(third.s3.list_parts, **upload)
    denied(third.s3.abort_multipart_upload, **upload)
    other.s3.abort_multipart_upload(**upload)
    refused("NoSuchUpload", 404, s3.list_parts, **upload)


def test_the_policy_itself_is_for_the_buckets_own_account(s3, bucket, other):
    allow(s3, bucket, {"Principal": {"AWS": other.id}})
    refused("MethodNotAllowed", 405, other.s3.get_bucket_policy, Bucket=bucket)
    refused("MethodNotAllowed", 405, other.s3.delete_bucket_policy, Bucket=bucket)
    other.s3.get_bucket_acl(Bucket=bucket)


def test_requesters_must_say_that_they_pay_where_they_do(s3, bucket, other, anybody):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v", ACL="public-read")
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    denied(anybody.get_object, Bucket=bucket, Key="k", RequestPayer="requester")
    denied(other.s3.get_object, Bucket=bucket, Key="k")
    assert other.s3.get_object(Bucket=bucket, Key="k", RequestPayer="requester")["RequestCharged"] == "requester"
    assert "RequestCharged" not in s3.get_object(Bucket=bucket, Key="k")
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "BucketOwner"})
    anybody.get_object(Bucket=bucket, Key="k")


def test_tags_must_be_as_the_policy_wants_them(s3, bucket, other):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    wanted = {"StringEquals": {"s3:RequestObjectTag/team": "red"}}
    allow(s3, bucket, {"Principal": {"AWS": other.id}, "Action": "s3:PutObjectTagging", "Resource": f"arn:aws:s3:::{bucket}/*", "Condition": wanted})

    def tagged(call, team):
        return {"call": call, "Bucket": bucket, "Key": "k", "Tagging": {"TagSet": [{"Key": "team", "Value": team}]}}

    other.s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "team", "Value": "red"}]})
    denied(**tagged(other.s3.put_object_tagging, "blue"))
    denied(other.s3.delete_object_tagging, Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "team", "Value": "red"}]


def test_renaming_takes_the_right_to_read_to_remove_and_to_store(s3, bucket, other):
    s3.put_object(Bucket=bucket, Key="a", Body=b"v")
    actions = ["s3:GetObject", "s3:DeleteObject", "s3:PutObject"]
    own = {"Principal": {"AWS": other.id}, "Resource": f"arn:aws:s3:::{bucket}/*"}
    for missing in actions:
        allow(s3, bucket, own | {"Action": [action for action in actions if action != missing]})
        denied(other.s3.rename_object, Bucket=bucket, Key="b", RenameSource="a")
    allow(s3, bucket, own | {"Action": actions})
    other.s3.rename_object(Bucket=bucket, Key="b", RenameSource="a")
    assert s3.get_object(Bucket=bucket, Key="b")["Body"].read() == b"v"


def test_a_change_on_the_condition_of_a_tag_takes_the_right_to_read(s3, bucket, other):
    def etag():
        return s3.put_object(Bucket=bucket, Key="k", Body=b"v")["ETag"]

    objects = {"Principal": {"AWS": other.id}, "Resource": f"arn:aws:s3:::{bucket}/*"}
    allow(s3, bucket, objects | {"Action": ["s3:PutObject", "s3:DeleteObject"]})
    place, tag = {"Bucket": bucket, "Key": "k"}, etag()
    denied(other.s3.put_object, **place, Body=b"", IfMatch=tag)
    denied(other.s3.delete_object, **place, IfMatch=tag)
    answer = other.s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "ETag": tag}]})
    assert [error["Code"] for error in answer["Errors"]] == ["AccessDenied"]
    other.s3.put_object(Bucket=bucket, Key="new", Body=b"", IfNoneMatch="*")
    other.s3.delete_object(**place, IfMatch="*")
    allow(s3, bucket, objects | {"Action": ["s3:PutObject", "s3:DeleteObject", "s3:GetObject"]})
    other.s3.put_object(**place, Body=b"", IfMatch=etag())
    other.s3.delete_object(**place, IfMatch=etag())
    answer = other.s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k", "ETag": etag()}]})
    assert "Errors" not in answer


def test_without_a_signature_nobody_begins_an_upload_of_parts(s3, bucket, anybody):
    allow(s3, bucket, {})
    anybody.put_object(Bucket=bucket, Key="k", Body=b"v")
    denied(anybody.create_multipart_upload, Bucket=bucket, Key="k")


def test_without_a_signature_headers_of_the_answer_cannot_be_chosen(s3, bucket, anybody):
    s3.put_object(Bucket=bucket, Key="k", Body=b"v", ACL="public-read")
    place, chosen = {"Bucket": bucket, "Key": "k"}, {"ResponseContentType": "text/html"}
    error = refused("InvalidRequest", 400, anybody.get_object, **place, **chosen)
    assert error["Message"] == "Request specific response headers cannot be used for anonymous GET requests."
    head_refused(400, anybody.head_object, **place, **chosen)
    assert anybody.get_object(**place)["Body"].read() == b"v"
    assert s3.get_object(**place, **chosen)["ContentType"] == "text/html"


def test_appending_takes_the_right_to_store(s3, bucket, other):
    s3.put_object(Bucket=bucket, Key="log", Body=b"1")
    denied(other.s3.put_object, Bucket=bucket, Key="log", Body=b"2", WriteOffsetBytes=1)
    allow(s3, bucket, {"Principal": {"AWS": other.id}, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"})
    other.s3.put_object(Bucket=bucket, Key="log", Body=b"2", WriteOffsetBytes=1)
    denied(other.s3.put_object, Bucket=bucket, Key="missing", Body=b"2", WriteOffsetBytes=1)
    assert s3.get_object(Bucket=bucket, Key="log")["Body"].read() == b"12"
