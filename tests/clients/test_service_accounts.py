"""Access keys of programs: bounded by a policy of their own, ended by a date."""

import datetime
import json

import pytest
import topology
from console import signed_in
from test_access import refused
from test_iam import Keys, allow, policy, root, text_of, trust, user  # noqa: F401


@pytest.fixture
def browser(server):
    return signed_in(server)


def service(browser, name, **more):
    """A service account of a user: its id and its keys."""
    answer = browser.iam("CreateServiceAccount", UserName=name, **more)
    assert answer.status == 200, answer.body
    (access_key,), (secret,) = answer.texts("AccessKeyId"), answer.texts("SecretAccessKey")
    return Keys(browser.server, access_key, secret)


def in_seconds(seconds):
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_service_account_may_what_both_its_user_and_its_policy_allow(browser, root, bucket):
    name, anna = user(root, allow("s3:*", [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]))
    own = service(browser, name, PolicyDocument=policy(allow(["s3:GetObject", "s3:ListAllMyBuckets"])))
    anna.s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    assert own.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    assert "because no session policy allows the s3:PutObject action" in text_of(own.s3.put_object, Bucket=bucket, Key="k", Body=b"")
    text_of(own.s3.list_buckets)
    free = service(browser, name)
    free.s3.put_object(Bucket=bucket, Key="k", Body=b"2")
    assert own.sts.get_caller_identity()["Arn"] == anna.sts.get_caller_identity()["Arn"]


def test_no_policy_of_a_bucket_leads_beyond_the_bounds(browser, root, bucket):
    name, anna = user(root)
    arn = anna.sts.get_caller_identity()["Arn"]
    everything = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    root.s3.put_bucket_policy(Bucket=bucket, Policy=policy(everything))
    own = service(browser, name, PolicyDocument=policy(allow("s3:GetObject")))
    anna.s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    assert own.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
    text_of(own.s3.put_object, Bucket=bucket, Key="k", Body=b"")


def test_a_bounded_service_account_gets_no_token_that_is_not(browser, root):
    name, _ = user(root, allow("*"))
    own = service(browser, name, PolicyDocument=policy(allow(["s3:GetObject", "sts:*"])))
    text_of(own.sts.get_session_token)
    assert "iam:ListAccessKeys" in text_of(own.iam.list_access_keys)
    free = service(browser, name)
    assert free.sts.get_session_token()["Credentials"]["AccessKeyId"].startswith("ASIA")


def test_no_session_goes_on_after_the_service_account_that_it_goes_back_to(browser, root):
    name, _ = user(root, allow("sts:*"))
    account = root.sts.get_caller_identity()["Account"]
    root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:root"))
    root.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(allow("sts:*")))
    taken = {"RoleArn": f"arn:aws:iam::{account}:role/{name}", "RoleSessionName": "job"}
    own = service(browser, name, Expires=in_seconds(300))
    latest = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=300)
    token, role = own.sts.get_session_token(), own.sts.assume_role(**taken)
    by_token = Keys.temporary(browser.server, token).sts.assume_role(**taken)
    by_role = Keys.temporary(browser.server, role).sts.assume_role(**taken)
    ends = [answer["Credentials"]["Expiration"] for answer in (token, role, by_token, by_role)]
    assert all(end <= latest for end in ends), ends


def test_a_service_account_makes_its_user_no_key_that_goes_on_after_it(browser, root):
    name, _ = user(root, allow("iam:*"))
    other, _ = user(root)
    own = service(browser, name, Expires=in_seconds(300))
    text_of(own.iam.create_access_key)
    text_of(own.iam.create_access_key, UserName=name)
    own.iam.create_access_key(UserName=other)


def test_a_service_account_ends_by_itself(browser, root, bucket):
    name, _ = user(root, allow("s3:*"))
    own = service(browser, name, Expires=in_seconds(3))
    own.s3.list_objects_v2(Bucket=bucket)

    def is_over():
        try:
            own.s3.list_objects_v2(Bucket=bucket)
        except own.s3.exceptions.ClientError as error:
            return error.response["Error"]["Code"] == "InvalidAccessKeyId"

    topology.wait_until(is_over, "the end of the service account")
    for bad in [in_seconds(-1), "tomorrow"]:
        assert browser.iam("CreateServiceAccount", UserName=name, Expires=bad).code == "ValidationError"
    assert browser.iam("CreateServiceAccount", UserName=name, PolicyDocument="{").code == "MalformedPolicyDocument"


def test_service_accounts_are_listed_apart_and_switched_off_and_removed_as_any_key(browser, root, bucket):
    name, anna = user(root, allow("s3:*"))
    document = policy(allow("s3:*"))
    keys = [service(browser, name, ServiceAccountName=f"job {number}", Description="each night", PolicyDocument=document) for number in range(3)]
    listed = browser.iam("ListServiceAccounts", UserName=name)
    assert sorted(listed.texts("AccessKeyId")) == sorted(key.access_key for key in keys)
    assert listed.texts("ServiceAccountName").count("job 1") == 1 and json.loads(listed.texts("PolicyDocument")[0]) == json.loads(document)
    assert listed.texts("Description") == ["each night"] * 3
    assert "Secret" not in listed.body.decode()
    assert browser.iam("CreateServiceAccount", UserName=name, Description="x" * 257).code == "ValidationError"
    assert [row["AccessKeyId"] for row in root.iam.list_access_keys(UserName=name)["AccessKeyMetadata"]] == [anna.access_key]
    root.iam.update_access_key(UserName=name, AccessKeyId=keys[0].access_key, Status="Inactive")
    refused("InvalidAccessKeyId", 403, keys[0].s3.list_objects_v2, Bucket=bucket)
    for key in keys:
        root.iam.delete_access_key(UserName=name, AccessKeyId=key.access_key)
    assert browser.iam("ListServiceAccounts", UserName=name).texts("AccessKeyId") == []


def test_who_may_make_access_keys_may_make_service_accounts(server, browser, root):
    name, anna = user(root)
    mine = signed_in(server, anna.access_key, anna.secret_key)
    assert mine.iam("CreateServiceAccount").code == "AccessDenied"
    root.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(allow("iam:*AccessKey*", "arn:aws:iam::*:user/${aws:username}")))
    assert mine.iam("CreateServiceAccount").texts("UserName") == [name]
    assert mine.iam("CreateServiceAccount", UserName=user(root)[0]).code == "AccessDenied"


def test_canned_policies_of_all_kinds_are_there(root):
    names = [row["PolicyName"] for row in root.iam.get_paginator("list_policies").paginate(Scope="AWS").build_full_result()["Policies"]]
    assert {"readonly", "readwrite", "writeonly", "diagnostics", "admin"} <= set(names)


def test_a_bounded_service_account_makes_no_keys_that_are_not(server, browser, root):
    """MinIO's CVE-2025-62506: what bounds a service account did not bound those that it made."""
    name, _ = user(root, allow("*"))
    own = service(browser, name, PolicyDocument=policy(allow(["iam:*", "s3:GetObject"])))
    text_of(own.iam.create_access_key, UserName=name)
    bounded = signed_in(server, own.access_key, own.secret_key)
    assert bounded.iam("CreateServiceAccount", UserName=name).code == "AccessDenied"
    free = service(browser, name)
    free.iam.create_access_key(UserName=name)
