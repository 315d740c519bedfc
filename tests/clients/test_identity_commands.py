"""`holdfast admin user`, `group`, `policy` and `why`."""

import json
import re

from test_iam import Keys, allow, deny, fresh, policy, root, user  # noqa: F401


def pair(said, server):
    access_key, secret = (re.search(rf"{word} key +(\S+)", said)[1] for word in ("Access", "Secret"))
    return Keys(server, access_key, secret)


def test_a_user_is_made_shown_and_removed_by_commands(server, root, bucket, tmp_path):
    name, group = fresh("user"), fresh("group")
    server.admin("group", "add", group, "--policy", "readonly")
    anna = pair(server.admin("user", "add", name, "--policy", "AmazonS3ReadOnlyAccess", "--group", group), server)
    assert anna.s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert name in server.admin("user", "list") and group in server.admin("group", "list")
    shown = server.admin("user", "show", name)
    assert group in shown and "policy/AmazonS3ReadOnlyAccess" in shown and f"{anna.access_key} (active)" in shown
    second = pair(server.admin("user", "key", name), server)
    assert second.sts.get_caller_identity()["Arn"].endswith(f"user/{name}")
    server.admin("user", "detach", name, "AmazonS3ReadOnlyAccess")
    server.admin("user", "attach", name, "readwrite")
    second.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    (tmp_path / "own.json").write_text(policy(allow("s3:ListBucket")))
    program = pair(server.admin("user", "service", "add", name, "--name", "job", "--policy", str(tmp_path / "own.json")), server)
    assert program.s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    assert program.access_key in server.admin("user", "service", "list", name)
    server.admin("group", "leave", group, name)
    server.admin("group", "join", group, name)
    server.admin("user", "remove", name)
    assert name not in server.admin("user", "list")
    said = server.admin("user", "show", name, fails=True)
    assert said.startswith("holdfast: NoSuchEntity") and len(said.splitlines()) == 1


def test_a_policy_is_made_shown_tried_out_and_removed_by_commands(server, root, bucket, tmp_path):
    name = fresh("policy")
    document = policy(allow("s3:Get*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), deny("s3:GetObjectAcl") | {"Sid": "NoAcl"})
    (tmp_path / "policy.json").write_text(document)
    said = server.admin("policy", "add", name, str(tmp_path / "policy.json"))
    arn = re.search(r"arn:\S+[^.\s]", said)[0]
    assert json.loads(server.admin("policy", "show", name)) == json.loads(document)
    assert name in server.admin("policy", "list") and "readonly" in server.admin("policy", "list")
    who, _ = user(root)
    server.admin("user", "attach", who, name)
    asked = ["policy", "simulate", who, "s3:GetObject", "s3:GetObjectAcl", "s3:PutObject", "--resource", f"arn:aws:s3:::{bucket}/k"]
    rows = server.admin(*asked, "--context", "aws:SourceIp=10.1.2.3").splitlines()
    assert [row.split()[2] for row in rows[1:]] == ["allowed", "explicitDeny", "implicitDeny"]
    assert arn in rows[1] and arn in rows[2]
    rows = server.admin(*asked, "--context", "aws:SourceIp=192.168.0.1").splitlines()
    assert [row.split()[2] for row in rows[1:]] == ["implicitDeny", "explicitDeny", "implicitDeny"]
    group = fresh("group")
    server.admin("group", "add", group, "--policy", name)
    rows = server.admin("policy", "simulate", f"group/{group}", *asked[3:], "--context", "aws:SourceIp=10.1.2.3").splitlines()
    assert [row.split()[2] for row in rows[1:]] == ["allowed", "explicitDeny", "implicitDeny"]
    root.iam.detach_group_policy(GroupName=group, PolicyArn=arn)
    server.admin("policy", "remove", name, fails=True)
    server.admin("user", "detach", who, name)
    server.admin("policy", "remove", name)
    assert "there is no policy" in server.admin("policy", "show", name, fails=True)


def test_a_command_tells_why_a_request_was_denied(server, root, bucket):
    name, anna = user(root, allow("s3:ListBucket"), deny("s3:GetObject") | {"Sid": "NoReading"})
    root.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    try:
        anna.s3.get_object(Bucket=bucket, Key="k")
        raise AssertionError("it was let through")
    except anna.s3.exceptions.ClientError as error:
        request_id = error.response["ResponseMetadata"]["RequestId"]
    said = server.admin("why", request_id)
    assert "s3:GetObject" in said and "ExplicitDeny" in said and f"statement NoReading of the inline policy own of the user {name}" in said
    assert json.loads(server.admin("why", request_id, "--json"))["why"]["deciding"]["statement"] == "NoReading"
    assert "no request NOSUCH" in server.admin("why", "NOSUCH", fails=True)


def test_a_user_is_made_with_all_that_was_asked_for_or_not_at_all(server, root):
    name = fresh("user")
    said = server.admin("user", "add", name, "--policy", "nopolicy", fails=True)
    assert "there is no policy nopolicy" in said
    said = server.admin("user", "add", name, "--policy", "readonly", "--group", "nogroup", fails=True)
    assert "nogroup" in said and f"there is no user {name}" in said
    assert name not in server.admin("user", "list")
    said = server.admin("group", "add", name, "--policy", "nopolicy", fails=True)
    assert name not in server.admin("group", "list")
    # One who was there before stays.
    server.admin("user", "add", name)
    assert "EntityAlreadyExists" in server.admin("user", "add", name, "--group", "nogroup", fails=True)
    assert name in server.admin("user", "list")


def test_keys_of_users_are_switched_off_and_on_and_removed_by_commands(server, root):
    name = fresh("user")
    anna = pair(server.admin("user", "add", name), server)
    server.admin("user", "disable-key", anna.access_key)
    assert f"{anna.access_key} (inactive)" in server.admin("user", "show", name)
    server.admin("user", "enable-key", anna.access_key)
    assert anna.sts.get_caller_identity()["Arn"].endswith(f"user/{name}")
    server.admin("user", "remove-key", anna.access_key)
    assert anna.access_key not in server.admin("user", "show", name)
    assert "NoSuchEntity" in server.admin("user", "remove-key", anna.access_key, fails=True)


def test_lists_and_users_are_shown_as_json_too(server, root):
    name, group = fresh("user"), fresh("group")
    server.admin("group", "add", group)
    anna = pair(server.admin("user", "add", name, "--policy", "readonly", "--group", group), server)
    assert name in [user["UserName"] for user in json.loads(server.admin("user", "list", "--json"))]
    assert group in [group["GroupName"] for group in json.loads(server.admin("group", "list", "--json"))]
    assert "readonly" in [policy["PolicyName"] for policy in json.loads(server.admin("policy", "list", "--json"))]
    shown = json.loads(server.admin("user", "show", name, "--json"))
    assert shown["User"]["UserName"] == name and [row["GroupName"] for row in shown["Groups"]] == [group]
    assert [row["AccessKeyId"] for row in shown["AccessKeyMetadata"]] == [anna.access_key]
    assert (shown["AttachedPolicies"][0]["PolicyName"], shown["PolicyNames"]) == ("readonly", [])
