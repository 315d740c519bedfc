"""`holdfast admin user`, `group`, `policy` and `why`."""

import json
import re

from test_admin import admin
from test_iam import Keys, allow, deny, fresh, policy, root, user  # noqa: F401


def pair(said, server):
    access_key, secret = (re.search(rf"{word} key +(\S+)", said)[1] for word in ("Access", "Secret"))
    return Keys(server, access_key, secret)


def test_a_user_is_made_shown_and_removed_by_commands(server, root, bucket, tmp_path):
    name, group = fresh("user"), fresh("group")
    admin(server, "group", "add", group, "--policy", "readonly")
    anna = pair(admin(server, "user", "add", name, "--policy", "AmazonS3ReadOnlyAccess", "--group", group), server)
    assert anna.s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert name in admin(server, "user", "list") and group in admin(server, "group", "list")
    shown = admin(server, "user", "show", name)
    assert group in shown and "policy/AmazonS3ReadOnlyAccess" in shown and f"{anna.access_key} (active)" in shown
    second = pair(admin(server, "user", "key", name), server)
    assert second.sts.get_caller_identity()["Arn"].endswith(f"user/{name}")
    admin(server, "user", "detach", name, "AmazonS3ReadOnlyAccess")
    admin(server, "user", "attach", name, "readwrite")
    second.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    (tmp_path / "own.json").write_text(policy(allow("s3:ListBucket")))
    program = pair(admin(server, "user", "service", "add", name, "--name", "job", "--policy", str(tmp_path / "own.json")), server)
    assert program.s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    assert program.access_key in admin(server, "user", "service", "list", name)
    admin(server, "group", "leave", group, name)
    admin(server, "group", "join", group, name)
    admin(server, "user", "remove", name)
    assert name not in admin(server, "user", "list")
    said = admin(server, "user", "show", name, fails=True)
    assert said.startswith("holdfast: NoSuchEntity") and len(said.splitlines()) == 1


def test_a_policy_is_made_shown_tried_out_and_removed_by_commands(server, root, bucket, tmp_path):
    name = fresh("policy")
    document = policy(allow("s3:Get*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), deny("s3:GetObjectAcl") | {"Sid": "NoAcl"})
    (tmp_path / "policy.json").write_text(document)
    said = admin(server, "policy", "add", name, str(tmp_path / "policy.json"))
    arn = re.search(r"arn:\S+[^.\s]", said)[0]
    assert json.loads(admin(server, "policy", "show", name)) == json.loads(document)
    assert name in admin(server, "policy", "list") and "readonly" in admin(server, "policy", "list")
    who, _ = user(root)
    admin(server, "user", "attach", who, name)
    asked = ["policy", "simulate", who, "s3:GetObject", "s3:GetObjectAcl", "s3:PutObject", "--resource", f"arn:aws:s3:::{bucket}/k"]
    rows = admin(server, *asked, "--context", "aws:SourceIp=10.1.2.3").splitlines()
    assert [row.split()[2] for row in rows[1:]] == ["allowed", "explicitDeny", "implicitDeny"]
    assert arn in rows[1] and arn in rows[2]
    rows = admin(server, *asked, "--context", "aws:SourceIp=192.168.0.1").splitlines()
    assert [row.split()[2] for row in rows[1:]] == ["implicitDeny", "explicitDeny", "implicitDeny"]
    admin(server, "policy", "remove", name, fails=True)
    admin(server, "user", "detach", who, name)
    admin(server, "policy", "remove", name)
    assert "there is no policy" in admin(server, "policy", "show", name, fails=True)


def test_a_command_tells_why_a_request_was_denied(server, root, bucket):
    name, anna = user(root, allow("s3:ListBucket"), deny("s3:GetObject") | {"Sid": "NoReading"})
    root.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    try:
        anna.s3.get_object(Bucket=bucket, Key="k")
        raise AssertionError("it was let through")
    except anna.s3.exceptions.ClientError as error:
        request_id = error.response["ResponseMetadata"]["RequestId"]
    said = admin(server, "why", request_id)
    assert "s3:GetObject" in said and "ExplicitDeny" in said and f"statement NoReading of the inline policy own of the user {name}" in said
    assert json.loads(admin(server, "why", request_id, "--json"))["why"]["deciding"]["statement"] == "NoReading"
    assert "no request NOSUCH" in admin(server, "why", "NOSUCH", fails=True)
