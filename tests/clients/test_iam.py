"""Users, groups, roles, policies and temporary credentials, by boto3's and aws-cli's own clients of IAM and STS."""

import datetime
import json
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request
import uuid

import boto3
import pytest
import topology
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from test_access import Account, refused
from test_admin import ask


def fresh(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


class Keys:
    """Credentials, and clients that use them."""

    def __init__(self, server, access_key, secret_key, token=None, region=topology.REGION):
        self.server, self.access_key, self.secret_key, self.token, self.region = server, access_key, secret_key, token, region

    @classmethod
    def temporary(cls, server, answer):
        made = answer["Credentials"]
        return cls(server, made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    def client(self, service, **more):
        return boto3.client(
            service,
            endpoint_url=self.server.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            aws_session_token=self.token,
            region_name=self.region,
            **more,
        )

    def __getattr__(self, service):
        if service not in ("s3", "iam", "sts"):
            raise AttributeError(service)
        made = self.client(service)
        setattr(self, service, made)
        return made


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, resources="*", **more):
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions, resources="*", **more):
    return {"Effect": "Deny", "Action": actions, "Resource": resources, **more}


def trust(*principals, **more):
    return policy({"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": ["sts:AssumeRole", "sts:TagSession"], **more})


@pytest.fixture(scope="session")
def root(server):
    return Keys(server, topology.ACCESS_KEY, topology.SECRET_KEY)


@pytest.fixture(scope="session")
def account(root):
    return root.sts.get_caller_identity()["Account"]


def user(root, *statements, **more):
    """A new user with these statements; its name and keys."""
    name = fresh("user")
    root.iam.create_user(UserName=name, **more)
    if statements:
        root.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
    key = root.iam.create_access_key(UserName=name)["AccessKey"]
    return name, Keys(root.server, key["AccessKeyId"], key["SecretAccessKey"])


def text_of(call, **arguments):
    return refused("AccessDenied", 403, call, **arguments)["Message"]


def test_a_user_may_do_what_its_policy_allows_and_is_told_what_it_lacks(root, account, bucket):
    name, anna = user(root, allow(["s3:GetObject", "s3:ListBucket"], [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/pub/*"]))
    root.s3.put_object(Bucket=bucket, Key="pub/a", Body=b"shown")
    root.s3.put_object(Bucket=bucket, Key="own/a", Body=b"hidden")
    assert anna.s3.get_object(Bucket=bucket, Key="pub/a")["Body"].read() == b"shown"
    assert [row["Key"] for row in anna.s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["own/a", "pub/a"]
    arn = f"arn:aws:iam::{account}:user/{name}"
    assert text_of(anna.s3.get_object, Bucket=bucket, Key="own/a") == (
        f'User: {arn} is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::{bucket}/own/a" '
        "because no identity-based policy allows the s3:GetObject action"
    )
    text_of(anna.s3.put_object, Bucket=bucket, Key="pub/b", Body=b"")
    text_of(anna.s3.list_buckets)
    assert anna.sts.get_caller_identity()["Arn"] == arn
    assert f"{arn} is not authorized to perform: iam:CreateUser on resource: arn:aws:iam::{account}:user/x" in text_of(
        anna.iam.create_user, UserName="x"
    )


def test_a_user_without_policies_may_do_nothing(root, bucket):
    _, nobody = user(root)
    root.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    for call, arguments in [
        (nobody.s3.list_buckets, {}),
        (nobody.s3.list_objects_v2, {"Bucket": bucket}),
        (nobody.s3.get_object, {"Bucket": bucket, "Key": "k"}),
        (nobody.s3.delete_object, {"Bucket": bucket, "Key": "k"}),
        (nobody.s3.create_bucket, {"Bucket": fresh("b")}),
        (nobody.s3.put_bucket_policy, {"Bucket": bucket, "Policy": policy()}),
        (nobody.iam.list_users, {}),
        (nobody.iam.create_access_key, {}),
    ]:
        text_of(call, **arguments)


def test_an_upload_of_another_user_is_not_ones_own(root, bucket):
    _, nobody = user(root)
    upload = root.s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    text_of(nobody.s3.list_parts, Bucket=bucket, Key="k", UploadId=upload)
    text_of(nobody.s3.abort_multipart_upload, Bucket=bucket, Key="k", UploadId=upload)


def test_denials_win_and_changes_count_at_once(root, bucket):
    name, anna = user(root, allow("s3:*"))
    anna.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    root.iam.put_user_policy(UserName=name, PolicyName="not", PolicyDocument=policy(deny("s3:PutObject")))
    assert "with an explicit deny in an identity-based policy" in text_of(anna.s3.put_object, Bucket=bucket, Key="k", Body=b"")
    root.iam.delete_user_policy(UserName=name, PolicyName="not")
    anna.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    root.iam.delete_user_policy(UserName=name, PolicyName="own")
    text_of(anna.s3.put_object, Bucket=bucket, Key="k", Body=b"")


def test_a_boundary_bounds_and_a_group_gives(root, bucket):
    group, (name, anna) = fresh("group"), user(root)
    root.iam.create_group(GroupName=group)
    root.iam.attach_group_policy(GroupName=group, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    root.iam.add_user_to_group(GroupName=group, UserName=name)
    anna.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    bound = root.iam.create_policy(PolicyName=fresh("bound"), PolicyDocument=policy(allow("s3:Get*")))["Policy"]["Arn"]
    root.iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=bound)
    assert anna.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    assert "because no permissions boundary allows the s3:PutObject action" in text_of(
        anna.s3.put_object, Bucket=bucket, Key="k", Body=b""
    )
    refused("DeleteConflict", 409, root.iam.delete_policy, PolicyArn=bound)
    root.iam.delete_user_permissions_boundary(UserName=name)
    root.iam.remove_user_from_group(GroupName=group, UserName=name)
    text_of(anna.s3.get_object, Bucket=bucket, Key="k")


def test_canned_policies_of_both_names_are_there(root, bucket):
    arns = {row["Arn"].rsplit("/")[-1] for row in root.iam.list_policies(Scope="AWS")["Policies"]}
    assert {"readonly", "readwrite", "writeonly", "diagnostics", "consoleAdmin"} <= arns
    assert {"AmazonS3FullAccess", "AmazonS3ReadOnlyAccess", "AdministratorAccess"} <= arns
    name, anna = user(root)
    root.iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/writeonly")
    anna.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    text_of(anna.s3.get_object, Bucket=bucket, Key="k")


def test_keys_are_rotated_disabled_and_deleted_at_once(root, bucket):
    name, old = user(root, allow("s3:*"))
    old.s3.list_objects_v2(Bucket=bucket)
    made = root.iam.create_access_key(UserName=name)["AccessKey"]
    new = Keys(root.server, made["AccessKeyId"], made["SecretAccessKey"])
    new.s3.list_objects_v2(Bucket=bucket)
    refused("LimitExceeded", 409, root.iam.create_access_key, UserName=name)
    root.iam.update_access_key(UserName=name, AccessKeyId=old.access_key, Status="Inactive")
    refused("InvalidAccessKeyId", 403, old.s3.list_objects_v2, Bucket=bucket)
    refused("InvalidClientTokenId", 403, old.sts.get_caller_identity)
    root.iam.update_access_key(UserName=name, AccessKeyId=old.access_key, Status="Active")
    old.s3.list_objects_v2(Bucket=bucket)
    root.iam.delete_access_key(UserName=name, AccessKeyId=old.access_key)
    refused("InvalidAccessKeyId", 403, old.s3.list_objects_v2, Bucket=bucket)
    listed = root.iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    assert [(key["AccessKeyId"], key["Status"]) for key in listed] == [(new.access_key, "Active")]
    new.s3.list_objects_v2(Bucket=bucket)


def test_nobody_gives_itself_more(root, account):
    _, maker = user(root, allow("iam:CreateUser"))
    name = fresh("made")
    maker.iam.create_user(UserName=name)
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    for call, arguments in [
        (maker.iam.attach_user_policy, {"UserName": name, "PolicyArn": admin}),
        (maker.iam.put_user_policy, {"UserName": name, "PolicyName": "p", "PolicyDocument": policy(allow("*"))}),
        (maker.iam.create_access_key, {"UserName": name}),
        (maker.iam.create_policy_version, {"PolicyArn": admin, "PolicyDocument": policy(allow("*"))}),
        (maker.iam.add_user_to_group, {"UserName": name, "GroupName": "any"}),
        (maker.iam.tag_user, {"UserName": name, "Tags": [{"Key": "team", "Value": "red"}]}),
        (maker.iam.create_user, {"UserName": fresh("t"), "Tags": [{"Key": "team", "Value": "red"}]}),
    ]:
        text_of(call, **arguments)
    bound = "arn:aws:iam::aws:policy/readonly"
    only_bound = allow("iam:CreateUser", Condition={"StringEquals": {"iam:PermissionsBoundary": bound}})
    _, bounded = user(root, only_bound)
    text_of(bounded.iam.create_user, UserName=fresh("free"))
    text_of(bounded.iam.create_user, UserName=fresh("free"), PermissionsBoundary=admin)
    bounded.iam.create_user(UserName=fresh("bound"), PermissionsBoundary=bound)


def test_a_role_is_taken_by_whom_it_trusts_within_its_session_policy(root, account, bucket):
    name, anna = user(root, allow("sts:AssumeRole"))
    role = fresh("role")
    arn = f"arn:aws:iam::{account}:role/{role}"
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:root"))
    root.iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    root.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    whole = Keys.temporary(root.server, anna.sts.assume_role(RoleArn=arn, RoleSessionName="job"))
    whole.s3.put_object(Bucket=bucket, Key="k", Body=b"y")
    assert whole.sts.get_caller_identity()["Arn"] == f"arn:aws:sts::{account}:assumed-role/{role}/job"
    within = policy(allow("s3:GetObject"))
    less = Keys.temporary(root.server, anna.sts.assume_role(RoleArn=arn, RoleSessionName="less", Policy=within))
    assert less.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"y"
    assert "because no session policy allows the s3:PutObject action" in text_of(less.s3.put_object, Bucket=bucket, Key="k")
    managed = [{"arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}]
    reads = Keys.temporary(root.server, anna.sts.assume_role(RoleArn=arn, RoleSessionName="ro", PolicyArns=managed))
    reads.s3.list_objects_v2(Bucket=bucket)
    text_of(reads.s3.delete_object, Bucket=bucket, Key="k")
    # Presigned, with the token in the query.
    url = less.s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"y"
    # What becomes of the role becomes of its sessions.
    root.iam.detach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    text_of(whole.s3.get_object, Bucket=bucket, Key="k")
    root.iam.delete_role(RoleName=role)
    refused("InvalidToken", 400, whole.s3.get_object, Bucket=bucket, Key="k")
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:root"))
    refused("InvalidToken", 400, whole.s3.get_object, Bucket=bucket, Key="k")


def test_a_role_is_not_taken_by_others(root, account, server):
    name, anna = user(root, allow("sts:AssumeRole"))
    _, bert = user(root)
    role, named = fresh("role"), fresh("named")
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(Account(server, fresh("elsewhere")).arn))
    arn = f"arn:aws:iam::{account}:role/{role}"
    text_of(anna.sts.assume_role, RoleArn=arn, RoleSessionName="job")
    text_of(anna.sts.assume_role, RoleArn=arn + "x", RoleSessionName="job")
    assert text_of(root.sts.assume_role, RoleArn=arn, RoleSessionName="job") == "Roles may not be assumed by root accounts."
    only_external = trust(f"arn:aws:iam::{account}:root", Condition={"StringEquals": {"sts:ExternalId": "ext-7"}})
    root.iam.update_assume_role_policy(RoleName=role, PolicyDocument=only_external)
    text_of(anna.sts.assume_role, RoleArn=arn, RoleSessionName="job")
    text_of(bert.sts.assume_role, RoleArn=arn, RoleSessionName="job", ExternalId="ext-7")
    anna.sts.assume_role(RoleArn=arn, RoleSessionName="job", ExternalId="ext-7")
    # Who is named itself needs no policy of its own.
    bert_arn = bert.sts.get_caller_identity()["Arn"]
    root.iam.create_role(RoleName=named, AssumeRolePolicyDocument=trust(bert_arn))
    bert.sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/{named}", RoleSessionName="job")
    text_of(anna.sts.assume_role, RoleArn=f"arn:aws:iam::{account}:role/{named}", RoleSessionName="job")
    refused("ValidationError", 400, anna.sts.assume_role, RoleArn=arn, RoleSessionName="job", ExternalId="ext-7", DurationSeconds=4500)


def test_a_role_is_taken_from_another_account_where_both_allow_it(root, account, server, bucket):
    other = Account(server, fresh("partner"))
    their_root = Keys(server, other.access_key, other.secret_key)
    role = fresh("shared")
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(other.arn))
    root.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=policy(allow("s3:ListBucket", f"arn:aws:s3:::{bucket}")))
    arn = f"arn:aws:iam::{account}:role/{role}"
    _, allowed = user(their_root, allow("sts:AssumeRole", arn))
    _, nobody = user(their_root)
    text_of(nobody.sts.assume_role, RoleArn=arn, RoleSessionName="job")
    text_of(allowed.s3.list_objects_v2, Bucket=bucket)
    visiting = Keys.temporary(server, allowed.sts.assume_role(RoleArn=arn, RoleSessionName="job"))
    visiting.s3.list_objects_v2(Bucket=bucket)
    # Each account has users of its own.
    name = fresh("twin")
    root.iam.create_user(UserName=name)
    their_root.iam.create_user(UserName=name)
    refused("NoSuchEntity", 404, their_root.iam.get_role, RoleName=role)


def test_tags_of_users_and_sessions_decide(root, account, bucket):
    own = allow("s3:PutObject", f"arn:aws:s3:::{bucket}/${{aws:PrincipalTag/team}}/*")
    _, red = user(root, own, allow(["sts:AssumeRole", "sts:TagSession"]), Tags=[{"Key": "team", "Value": "red"}])
    red.s3.put_object(Bucket=bucket, Key="red/k", Body=b"")
    text_of(red.s3.put_object, Bucket=bucket, Key="blue/k", Body=b"")
    role = fresh("role")
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:root"))
    root.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=policy(own))
    arn = f"arn:aws:iam::{account}:role/{role}"
    tagged = red.sts.assume_role(RoleArn=arn, RoleSessionName="job", Tags=[{"Key": "team", "Value": "blue"}])
    blue = Keys.temporary(root.server, tagged)
    blue.s3.put_object(Bucket=bucket, Key="blue/k", Body=b"")
    text_of(blue.s3.put_object, Bucket=bucket, Key="red/k", Body=b"")


def test_who_takes_a_role_says_who_it_is_and_stays_that_from_role_to_role(root, account, bucket):
    may = allow(["sts:AssumeRole", "sts:SetSourceIdentity"], Condition={"StringLikeIfExists": {"sts:SourceIdentity": "c*"}})
    _, anna = user(root, may)
    first, second = fresh("first"), fresh("second")
    arns = [f"arn:aws:iam::{account}:role/{role}" for role in (first, second)]
    trusts = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
    lets_say = trusts | {"Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}
    is_carla = {"StringEquals": {"aws:SourceIdentity": "carla"}}
    for role in first, second:
        root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=policy(trusts))
        root.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=policy(may, allow("s3:ListBucket", Condition=is_carla)))

    def takes(keys, arn, **more):
        return keys.sts.assume_role(RoleArn=arn, RoleSessionName="job", **more)

    assert "SourceIdentity" not in takes(anna, arns[0])
    text_of(Keys.temporary(root.server, takes(anna, arns[0])).s3.list_objects_v2, Bucket=bucket)
    assert "sts:SetSourceIdentity" in explained(root, takes, anna, arns[0], SourceIdentity="carla")["missing"]
    root.iam.update_assume_role_policy(RoleName=first, PolicyDocument=policy(lets_say))
    text_of(takes, keys=anna, arn=arns[0], SourceIdentity="bert")
    for wrong in ["c", "c" * 65, "c:d", "aws:c"]:
        refused("ValidationError", 400, anna.client("sts", config=Config(parameter_validation=False)).assume_role, RoleArn=arns[0], RoleSessionName="job", SourceIdentity=wrong)
    answer = takes(anna, arns[0], SourceIdentity="carla")
    assert answer["SourceIdentity"] == "carla"
    carla = Keys.temporary(root.server, answer)
    carla.s3.list_objects_v2(Bucket=bucket)
    # The second role must let it be said too, and it is no other then.
    text_of(takes, keys=carla, arn=arns[1])
    root.iam.update_assume_role_policy(RoleName=second, PolicyDocument=policy(lets_say))
    text_of(takes, keys=carla, arn=arns[1], SourceIdentity="cleo")
    answer = takes(carla, arns[1])
    assert answer["SourceIdentity"] == "carla"
    Keys.temporary(root.server, answer).s3.list_objects_v2(Bucket=bucket)


def explained(root, call, *arguments, **more):
    """Why a call was denied."""
    with pytest.raises(ClientError) as denied:
        call(*arguments, **more)
    found = []

    def is_there():
        status, _, said = ask(root.server, "GET", f"/api/v1/requests/{denied.value.response['ResponseMetadata']['RequestId']}")
        found.append(said)
        return status == 200

    topology.wait_until(is_there, "a denied request that is remembered")
    return found[-1]["why"]


def test_session_tokens_stand_for_their_user_and_for_no_more(root, bucket):
    name, anna = user(root, allow(["s3:*", "iam:*"]))
    answer = anna.sts.get_session_token(DurationSeconds=900)
    session = Keys.temporary(root.server, answer)
    session.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    refused("InvalidClientTokenId", 403, session.iam.create_access_key)
    text_of(session.sts.get_session_token)
    assert session.sts.get_caller_identity()["Arn"].endswith(f"user/{name}")
    # A token goes with its own pair alone, and the pair with its token.
    mixed = Keys(root.server, anna.access_key, anna.secret_key, session.token)
    refused("InvalidToken", 400, mixed.s3.list_objects_v2, Bucket=bucket)
    bare = Keys(root.server, session.access_key, session.secret_key)
    refused("InvalidAccessKeyId", 403, bare.s3.list_objects_v2, Bucket=bucket)
    made_up = Keys(root.server, session.access_key, session.secret_key, "made-up")
    refused("InvalidToken", 400, made_up.s3.list_objects_v2, Bucket=bucket)
    refused("InvalidClientTokenId", 403, made_up.sts.get_caller_identity)
    root.iam.delete_access_key(UserName=name, AccessKeyId=anna.access_key)
    root.iam.delete_user_policy(UserName=name, PolicyName="own")
    text_of(session.s3.list_objects_v2, Bucket=bucket)
    root.iam.delete_user(UserName=name)
    refused("InvalidToken", 400, session.s3.list_objects_v2, Bucket=bucket)


def test_what_is_in_use_is_not_deleted_and_names_are_there_once(root):
    name, group = fresh("User"), fresh("group")
    root.iam.create_user(UserName=name, Path="/staff/")
    refused("EntityAlreadyExists", 409, root.iam.create_user, UserName=name.upper())
    root.iam.create_group(GroupName=group)
    root.iam.add_user_to_group(GroupName=group, UserName=name)
    assert [row["GroupName"] for row in root.iam.list_groups_for_user(UserName=name)["Groups"]] == [group]
    assert [row["UserName"] for row in root.iam.get_group(GroupName=group)["Users"]] == [name]
    refused("DeleteConflict", 409, root.iam.delete_group, GroupName=group)
    refused("DeleteConflict", 409, root.iam.delete_user, UserName=name)
    root.iam.remove_user_from_group(GroupName=group, UserName=name)
    key = root.iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    refused("DeleteConflict", 409, root.iam.delete_user, UserName=name)
    root.iam.delete_access_key(UserName=name, AccessKeyId=key)
    root.iam.update_user(UserName=name, NewUserName=name + "2", NewPath="/left/")
    assert root.iam.get_user(UserName=name + "2")["User"]["Path"] == "/left/"
    root.iam.delete_user(UserName=name + "2")
    root.iam.delete_group(GroupName=group)
    refused("NoSuchEntity", 404, root.iam.get_user, UserName=name + "2")
    refused("ValidationError", 400, root.iam.create_user, UserName="a b")
    refused("MalformedPolicyDocument", 400, root.iam.create_policy, PolicyName=fresh("p"), PolicyDocument="{}")


def test_policies_have_versions_of_which_one_counts(root, bucket):
    name, anna = user(root)
    made = root.iam.create_policy(PolicyName=fresh("p"), PolicyDocument=policy(allow("s3:ListBucket")), Description="d")
    arn = made["Policy"]["Arn"]
    root.iam.attach_user_policy(UserName=name, PolicyArn=arn)
    anna.s3.list_objects_v2(Bucket=bucket)
    root.iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(allow("s3:PutObject")), SetAsDefault=True)
    text_of(anna.s3.list_objects_v2, Bucket=bucket)
    anna.s3.put_object(Bucket=bucket, Key="k", Body=b"")
    root.iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    anna.s3.list_objects_v2(Bucket=bucket)
    document = root.iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]["Document"]
    assert document["Statement"][0]["Action"] == "s3:PutObject"
    refused("DeleteConflict", 409, root.iam.delete_policy_version, PolicyArn=arn, VersionId="v1")
    entities = root.iam.list_entities_for_policy(PolicyArn=arn)
    assert [row["UserName"] for row in entities["PolicyUsers"]] == [name]
    root.iam.detach_user_policy(UserName=name, PolicyArn=arn)
    refused("DeleteConflict", 409, root.iam.delete_policy, PolicyArn=arn)
    root.iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    root.iam.delete_policy(PolicyArn=arn)
    refused("NoSuchEntity", 404, root.iam.get_policy, PolicyArn=arn)


def test_lists_come_in_pages(root):
    path = f"/{fresh('path')}/"
    names = sorted(fresh("u") for _ in range(5))
    for name in names:
        root.iam.create_user(UserName=name, Path=path)
    pages = list(root.iam.get_paginator("list_users").paginate(PathPrefix=path, PaginationConfig={"PageSize": 2}))
    assert [len(page["Users"]) for page in pages] == [2, 2, 1]
    assert [row["UserName"] for page in pages for row in page["Users"]] == names


def test_policies_are_simulated(root, account, bucket):
    name, _ = user(root, allow("s3:Get*"), deny("s3:GetBucketPolicy"))
    actions = ["s3:GetObject", "s3:GetBucketPolicy", "s3:PutObject"]
    arn = f"arn:aws:iam::{account}:user/{name}"
    answer = root.iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=actions, ResourceArns=[f"arn:aws:s3:::{bucket}"])
    decisions = [row["EvalDecision"] for row in answer["EvaluationResults"]]
    assert decisions == ["allowed", "explicitDeny", "implicitDeny"]
    answer = root.iam.simulate_custom_policy(PolicyInputList=[policy(allow("s3:PutObject"))], ActionNames=actions)
    assert [row["EvalDecision"] for row in answer["EvaluationResults"]] == ["implicitDeny", "implicitDeny", "allowed"]


def test_a_simulation_is_of_the_principal_that_is_named(root, account):
    own = allow("s3:GetObject", "arn:aws:s3:::b/${aws:username}/*")
    red = allow("s3:PutObject", Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}})
    name, _ = user(root, own, red, Tags=[{"Key": "team", "Value": "red"}])
    group, role = fresh("group"), fresh("role")

    def decided(kind, name, action, resource="*", **more):
        arn = f"arn:aws:iam::{account}:{kind}/{name}"
        answer = root.iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[action], ResourceArns=[resource], **more)
        return answer["EvaluationResults"][0]["EvalDecision"]

    def context(key, value):
        return {"ContextEntries": [{"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}]}

    assert decided("user", name, "s3:GetObject", f"arn:aws:s3:::b/{name}/k") == "allowed"
    assert decided("user", name, "s3:GetObject", "arn:aws:s3:::b/simulated/k") == "implicitDeny"
    assert decided("user", name, "s3:PutObject") == "allowed"
    assert decided("user", name, "s3:PutObject", **context("aws:PrincipalTag/team", "blue")) == "implicitDeny"
    # A role is asked as somebody who took it; of a group nobody in particular is.
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:root"))
    as_role = {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{account}:role/{role}"}, "StringEquals": {"aws:PrincipalType": "AssumedRole"}}
    root.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=policy(allow("s3:ListBucket", Condition=as_role)))
    assert decided("role", role, "s3:ListBucket") == "allowed"
    root.iam.create_group(GroupName=group)
    root.iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=policy(own, allow("s3:ListBucket")))
    assert decided("group", group, "s3:ListBucket") == "allowed"
    assert decided("group", group, "s3:GetObject", "arn:aws:s3:::b//k") == "implicitDeny"
    assert decided("group", group, "s3:GetObject", "arn:aws:s3:::b/me/k", **context("aws:username", "me")) == "allowed"
    caller = {"CallerArn": f"arn:aws:iam::{account}:user/{name}"}
    assert decided("group", group, "s3:GetObject", f"arn:aws:s3:::b/{name}/k", **caller) == "allowed"


def test_a_simulation_has_a_policy_of_the_resource_and_its_owner(root, account, server):
    name, _ = user(root, allow("s3:PutObject"), deny("s3:DeleteObject"))
    other, _ = user(root)
    arn, resource = f"arn:aws:iam::{account}:user/{name}", "arn:aws:s3:::b/k"

    def decided(action, *statements, source=arn, simulate=root.iam.simulate_principal_policy, **more):
        if source:
            more["PolicySourceArn"] = source
        if statements:
            more["ResourcePolicy"] = policy(*statements)
        row = simulate(ActionNames=[action], ResourceArns=[resource], **more)["EvaluationResults"][0]
        return row["EvalDecision"], [statement["SourcePolicyId"] for statement in row["MatchedStatements"]][-1:]

    def of_resource(effect, action, who=arn):
        return {"Effect": effect, "Principal": {"AWS": who}, "Action": action, "Resource": resource}

    reads = of_resource("Allow", "s3:GetObject")
    assert decided("s3:GetObject") == ("implicitDeny", [])
    assert decided("s3:GetObject", reads) == ("allowed", ["ResourcePolicy"])
    assert decided("s3:GetObject", of_resource("Allow", "s3:GetObject", f"arn:aws:iam::{account}:user/{other}"))[0] == "implicitDeny"
    assert decided("s3:PutObject", of_resource("Deny", "s3:*", "*")) == ("explicitDeny", ["ResourcePolicy"])
    assert decided("s3:DeleteObject", of_resource("Allow", "s3:*"))[0] == "explicitDeny"
    # What is another account's must be allowed by both.
    owner = {"ResourceOwner": Account(server, fresh("owner")).arn}
    assert decided("s3:PutObject", **owner)[0] == "implicitDeny"
    assert decided("s3:GetObject", reads, **owner)[0] == "implicitDeny"
    assert decided("s3:PutObject", of_resource("Allow", "s3:*"), **owner)[0] == "allowed"
    assert decided("s3:PutObject", of_resource("Allow", "s3:*"), ResourceOwner="arn:aws:iam::999999999999:root")[0] == "allowed"
    # Policies alone are nobody's whom the resource's policy could name.
    custom = {"simulate": root.iam.simulate_custom_policy, "source": None, "PolicyInputList": [policy(allow("s3:ListBucket"))]}
    assert decided("s3:GetObject", reads, CallerArn=arn, **custom)[0] == "allowed"
    role = fresh("role")
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(arn))
    as_role = {"source": f"arn:aws:iam::{account}:role/{role}"}
    assert decided("s3:GetObject", reads, CallerArn=arn, **as_role)[0] == "allowed"
    for wrong in [as_role, custom, {"ResourceOwner": arn}]:
        refused("InvalidInput", 400, lambda wrong=wrong: decided("s3:GetObject", reads, **wrong))
    refused("InvalidInput", 400, lambda: decided("s3:GetObject", {"Effect": "Allow"}))


def test_values_of_a_simulation_are_of_their_type(root):
    below = {"NumericLessThan": {"s3:max-keys": "10"}}

    def decided(kind, *values):
        entry = {"ContextKeyName": "s3:max-keys", "ContextKeyType": kind, "ContextKeyValues": list(values)}
        answer = simulate(PolicyInputList=[policy(allow("s3:ListBucket", Condition=below))], ActionNames=["s3:ListBucket"], ContextEntries=[entry])
        return answer["EvaluationResults"][0]["EvalDecision"]

    simulate = root.client("iam", config=Config(parameter_validation=False)).simulate_custom_policy
    assert decided("numeric", "5") == "allowed" and decided("numeric", "11") == "implicitDeny"
    assert decided("numericList", "5", "6") == "allowed"
    for kind, wrong in [("numeric", "many"), ("boolean", "perhaps"), ("ip", "here"), ("date", "soon"), ("binary", "*"), ("dateList", "soon")]:
        refused("InvalidInput", 400, lambda kind=kind, wrong=wrong: decided(kind, wrong))
    refused("InvalidInput", 400, lambda: decided("string", "a", "b"))
    refused("ValidationError", 400, lambda: decided("text", "a"))


def test_what_cannot_be_simulated_is_invalid_input(root, account):
    name, _ = user(root)
    source, simulate = f"arn:aws:iam::{account}:user/{name}", root.iam.simulate_principal_policy
    for action in ["GetObject", "s3:*", "nothing:GetObject"]:
        refused("InvalidInput", 400, simulate, PolicySourceArn=source, ActionNames=[action])
    refused("InvalidInput", 400, simulate, PolicySourceArn=source, ActionNames=["s3:GetObject"], PolicyInputList=["{}"])
    refused("InvalidInput", 400, root.iam.simulate_custom_policy, PolicyInputList=["no policy"], ActionNames=["s3:GetObject"])
    refused("NoSuchEntity", 404, simulate, PolicySourceArn=source + "x", ActionNames=["s3:GetObject"])


def test_wrong_signatures_are_refused_in_the_words_of_aws(root):
    refused("SignatureDoesNotMatch", 403, Keys(root.server, topology.ACCESS_KEY, "wrong").iam.list_users)
    refused("InvalidClientTokenId", 403, Keys(root.server, "AKIAUNKNOWN", "wrong").iam.list_users)
    elsewhere = Keys(root.server, topology.ACCESS_KEY, topology.SECRET_KEY, region="eu-west-3")
    refused("SignatureDoesNotMatch", 403, elsewhere.sts.get_caller_identity)


def test_aws_cli_takes_a_role_by_its_profile_and_runs_a_credential_process(root, account, bucket, own_environment, tmp_path):
    _, anna = user(root, allow("sts:AssumeRole"))
    role = fresh("role")
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:root"))
    root.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=policy(allow("s3:*")))
    process = tmp_path / "process.py"
    pair = {"Version": 1, "AccessKeyId": anna.access_key, "SecretAccessKey": anna.secret_key}
    process.write_text(f"print({json.dumps(json.dumps(pair))})")
    config = tmp_path / "config"
    config.write_text(
        f"[profile process]\ncredential_process = {sys.executable} {process}\nregion = {topology.REGION}\n"
        f"[profile role]\nrole_arn = arn:aws:iam::{account}:role/{role}\nsource_profile = process\nregion = {topology.REGION}\n"
    )
    kept = {name: value for name, value in own_environment.items() if "ACCESS_KEY" not in name}
    environment = kept | {"AWS_CONFIG_FILE": str(config)}

    def aws(*arguments):
        command = [str(pathlib.Path(sys.executable).parent / "aws"), *arguments]
        return subprocess.run(command, capture_output=True, env=environment, text=True)

    identity = aws("--profile", "process", "sts", "get-caller-identity")
    assert json.loads(identity.stdout)["Arn"] == anna.sts.get_caller_identity()["Arn"], identity.stderr
    assert "AccessDenied" in aws("--profile", "process", "s3api", "list-objects-v2", "--bucket", bucket).stderr
    file = tmp_path / "file"
    file.write_text("by role")
    put = aws("--profile", "role", "s3", "cp", str(file), f"s3://{bucket}/file")
    assert put.returncode == 0, put.stderr
    assert root.s3.get_object(Bucket=bucket, Key="file")["Body"].read() == b"by role"


def test_policies_see_what_is_asked_for_of_a_new_bucket(root):
    def create(keys, tags=(), location=topology.REGION):
        asked = {"LocationConstraint": location} if location else {}
        tags = {"Tags": [{"Key": key, "Value": value} for key, value in tags]} if tags else {}
        return {"call": keys.s3.create_bucket, "Bucket": fresh("b"), "CreateBucketConfiguration": asked | tags}

    def made(call, **arguments):
        call(**arguments)

    red, here = [("team", "red")], {"StringEquals": {"s3:LocationConstraint": topology.REGION}}
    _, anna = user(root, allow("s3:CreateBucket", Condition=here))
    made(**create(anna))
    text_of(**create(anna, location=None))
    text_of(**create(anna, red))
    only = {"StringEquals": {"aws:RequestTag/team": "red"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
    _, ben = user(root, allow(["s3:CreateBucket", "s3:TagResource"], Condition=only))
    made(**create(ben, red))
    text_of(**create(ben, [("team", "blue")]))
    text_of(**create(ben, [*red, ("more", "1")]))
    text_of(**create(ben))


def test_secrets_are_on_no_drive_and_unknown_without_the_encryption_key(running):
    root = Keys(running, topology.ACCESS_KEY, topology.SECRET_KEY)
    name, anna = user(root, allow("s3:*"))
    account = Account(running, "team")
    root.s3.create_bucket(Bucket="photos")
    session = Keys.temporary(running, anna.sts.get_session_token())
    anna.s3.list_objects_v2(Bucket="photos")
    running.stop()
    files = [path for path in running.folder.rglob("*") if path.is_file() and path.name != "encryption.key"]
    held = [path for path in files for secret in (anna.secret_key, account.secret_key) if secret.encode() in path.read_bytes()]
    assert files and not held
    running.start()
    anna.s3.list_objects_v2(Bucket="photos")
    session.s3.list_objects_v2(Bucket="photos")
    running.stop()
    (key,) = running.folder.rglob("encryption.key")
    kept = key.read_bytes()
    key.unlink()
    running.start()
    assert not key.exists(), "no other key is made while something is sealed"
    refused("InvalidAccessKeyId", 403, anna.s3.list_objects_v2, Bucket="photos")
    refused("InvalidToken", 400, session.s3.list_objects_v2, Bucket="photos")
    root.s3.list_objects_v2(Bucket="photos")
    with pytest.raises(ClientError):
        root.iam.create_access_key(UserName=name)
    assert "access keys are not known" in running.front.log()
    running.stop()
    key.write_bytes(kept)
    key.chmod(0o600)
    running.start()
    anna.s3.list_objects_v2(Bucket="photos")


def test_the_last_use_of_an_access_key_is_told_and_kept(running):
    root = Keys(running, topology.ACCESS_KEY, topology.SECRET_KEY)
    root.s3.create_bucket(Bucket="bucket")
    name, anna = user(root, allow("s3:*"))
    last = lambda: root.iam.get_access_key_last_used(AccessKeyId=anna.access_key)  # noqa: E731
    assert last()["UserName"] == name and last()["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    anna.s3.list_objects_v2(Bucket="bucket")
    used = last()["AccessKeyLastUsed"]
    assert used["ServiceName"] == "s3" and used["LastUsedDate"].timestamp() > 1_700_000_000
    root.iam.put_user_policy(UserName=name, PolicyName="more", PolicyDocument=policy(allow("s3:*")))
    assert last()["AccessKeyLastUsed"] == used, "a change of policies forgets nothing"
    running.front.terminate()
    running.start_front()
    assert last()["AccessKeyLastUsed"] == used
    refused("NoSuchEntity", 404, root.iam.get_access_key_last_used, AccessKeyId="AKIANOTHERE000000000")
    text_of(anna.iam.get_access_key_last_used, AccessKeyId=anna.access_key)


def test_requests_to_iam_and_sts_are_counted(root):
    server = root.server
    counted = lambda operation: server.metric("holdfast_requests_total", f'operation="{operation}",status="2xx"')
    before = counted("iam"), counted("sts"), server.metric("holdfast_requests_total", 'operation="iam",status="4xx"')
    root.iam.list_users()
    root.sts.get_caller_identity()
    refused("NoSuchEntity", 404, root.iam.get_user, UserName=fresh("nobody"))
    after = counted("iam"), counted("sts"), server.metric("holdfast_requests_total", 'operation="iam",status="4xx"')
    assert [now - then for now, then in zip(after, before)] == [1, 1, 1]
    topology.wait_until(lambda: server.metric("holdfast_requests_in_flight") == 0, "none is counted as under way")
    assert server.metric("holdfast_sent_bytes_total", 'operation="sts"') > 100


def test_one_request_has_no_key_of_a_tag_twice(root, account):
    name, anna = user(root, allow("sts:AssumeRole"), allow("sts:TagSession"))
    twice = [{"Key": "Team", "Value": "a"}, {"Key": "team", "Value": "b"}]
    refused("InvalidInput", 400, root.iam.tag_user, UserName=name, Tags=twice)
    refused("InvalidInput", 400, root.iam.create_user, UserName=fresh("user"), Tags=twice)
    refused("InvalidInput", 400, root.iam.create_role, RoleName=fresh("role"), AssumeRolePolicyDocument=trust("*"), Tags=twice)
    refused("InvalidInput", 400, root.iam.create_policy, PolicyName=fresh("policy"), PolicyDocument=policy(allow("s3:*")), Tags=twice)
    assert root.iam.list_user_tags(UserName=name)["Tags"] == []
    root.iam.tag_user(UserName=name, Tags=twice[:1])
    root.iam.tag_user(UserName=name, Tags=twice[1:])
    assert root.iam.list_user_tags(UserName=name)["Tags"] == twice[1:]
    role = fresh("role")
    arn = root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:user/{name}"))["Role"]["Arn"]
    refused("InvalidParameterValue", 400, anna.sts.assume_role, RoleArn=arn, RoleSessionName="work", Tags=twice)


def test_descriptions_have_a_thousand_characters_at_most(root):
    role, whole, longer = fresh("role"), "ä" * 1000, "ä" * 1001
    refused("ValidationError", 400, root.iam.create_role, RoleName=role, AssumeRolePolicyDocument=trust("*"), Description=longer)
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust("*"), Description=whole)
    refused("ValidationError", 400, root.iam.update_role, RoleName=role, Description=longer)
    assert root.iam.get_role(RoleName=role)["Role"]["Description"] == whole
    refused("ValidationError", 400, root.iam.create_policy, PolicyName=fresh("policy"), PolicyDocument=policy(allow("s3:*")), Description=longer)


def test_policies_may_ask_for_tags_in_requests(root):
    only_own = {"StringEquals": {"aws:RequestTag/team": "storage"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
    _, maker = user(root, allow(["iam:CreateUser", "iam:CreateRole", "iam:TagUser", "iam:TagRole"], Condition=only_own))
    team, other, more = {"Key": "team", "Value": "storage"}, {"Key": "team", "Value": "sales"}, {"Key": "cost", "Value": "1"}
    made, role = fresh("user"), fresh("role")
    for tags in [[], [other], [team, more]]:
        refused("AccessDenied", 403, maker.iam.create_user, UserName=made, Tags=tags)
        refused("AccessDenied", 403, maker.iam.create_role, RoleName=role, AssumeRolePolicyDocument=trust("*"), Tags=tags)
    maker.iam.create_user(UserName=made, Tags=[team])
    maker.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust("*"), Tags=[team])
    maker.iam.tag_user(UserName=made, Tags=[team])
    refused("AccessDenied", 403, maker.iam.tag_user, UserName=made, Tags=[more])
    refused("AccessDenied", 403, maker.iam.tag_role, RoleName=role, Tags=[other])


def test_iam_and_sts_take_their_parameters_in_the_query_too(root):
    name, anna = user(root, allow("iam:GetUser"))

    def got(keys, query, service, method="GET", url=None):
        """Status and body of a request signed in its headers, sent to `url` where that is another."""
        request = AWSRequest(method, f"{root.server.endpoint}/?{query}")
        SigV4Auth(Credentials(keys.access_key, keys.secret_key), service, topology.REGION).add_auth(request)
        request = urllib.request.Request(url or request.url, method=method, headers=dict(request.headers))
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    about_anna = f"Action=GetUser&UserName={name}&Version=2010-05-08"
    for method in ["GET", "POST"]:
        status, body = got(anna, about_anna, "iam", method)
        assert status == 200 and f"<UserName>{name}</UserName>" in body, body
    status, body = got(anna, "Action=ListUsers&Version=2010-05-08", "iam")
    assert status == 403 and "<Code>AccessDenied</Code>" in body
    status, body = got(anna, about_anna, "iam", url=f"{root.server.endpoint}/?{about_anna.replace('GetUser', 'DeleteUser')}")
    assert status == 403 and "<Code>SignatureDoesNotMatch</Code>" in body
    status, body = got(anna, "Action=GetCallerIdentity&Version=2011-06-15", "s3")
    assert status == 400 and "<Code>IncompleteSignature</Code>" in body, "signed for S3, and for nothing else"
    url = anna.sts.generate_presigned_url("get_caller_identity", ExpiresIn=300, HttpMethod="GET")
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert f":user/{name}</Arn>" in answer.read().decode()
    for wrong in [url.replace("GetCallerIdentity", "GetSessionToken"), url.replace("X-Amz-Expires=300", "X-Amz-Expires=301")]:
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(wrong, timeout=30)
        assert error.value.code == 403 and b"SignatureDoesNotMatch" in error.value.read()
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{root.server.endpoint}/?{about_anna}", timeout=30)
    assert error.value.code == 403 and b"MissingAuthenticationToken" in error.value.read()


def test_who_is_made_anew_under_an_old_name_is_not_trusted_in_the_place_of_the_one_before(root, account):
    def take(keys):
        return keys.sts.assume_role(RoleArn=arn, RoleSessionName="work")["AssumedRoleUser"]["Arn"]

    def fresh_user(name):
        root.iam.create_user(UserName=name)
        root.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(allow("sts:AssumeRole")))
        made = root.iam.create_access_key(UserName=name)["AccessKey"]
        return Keys(root.server, made["AccessKeyId"], made["SecretAccessKey"])

    name, new_name, role = fresh("anna"), fresh("berta"), fresh("role")
    anna = fresh_user(name)
    arn = root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:user/{name}"))["Role"]["Arn"]
    assert take(anna)
    root.iam.update_user(UserName=name, NewUserName=new_name)
    assert take(anna), "the same user with another name"
    refused("AccessDenied", 403, take, keys=fresh_user(name))
    user_id = root.iam.get_user(UserName=new_name)["User"]["UserId"]
    root.iam.delete_user_policy(UserName=new_name, PolicyName="own")
    root.iam.delete_access_key(UserName=new_name, AccessKeyId=anna.access_key)
    root.iam.delete_user(UserName=new_name)
    document = root.iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    assert document["Statement"][0]["Principal"]["AWS"] == [user_id]
    another = fresh_user(new_name)
    refused("AccessDenied", 403, take, keys=another)
    root.iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust(f"arn:aws:iam::{account}:user/{new_name}"))
    assert take(another)


def test_a_denial_about_a_policy_holds_however_a_request_writes_its_arn(root, account):
    name = fresh("Guarded")
    arn = root.iam.create_policy(PolicyName=name, PolicyDocument=policy(allow("s3:GetObject")))["Policy"]["Arn"]
    other = arn.replace(name, name.upper())
    on_it = {"ArnEquals": {"iam:PolicyARN": arn}}
    attaching = ["iam:AttachUserPolicy", "iam:DetachUserPolicy"]
    bounding = {"StringEquals": {"iam:PermissionsBoundary": arn}}
    who, anna = user(
        root,
        allow("iam:*"),
        deny(["iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:TagPolicy", "iam:SetDefaultPolicyVersion"], arn),
        deny(attaching, Condition=on_it),
        deny(["iam:PutUserPermissionsBoundary", "iam:CreateUser"], Condition=bounding),
    )
    for written in [arn, other]:
        for call, arguments in [
            (anna.iam.create_policy_version, {"PolicyArn": written, "PolicyDocument": policy(allow("*")), "SetAsDefault": True}),
            (anna.iam.set_default_policy_version, {"PolicyArn": written, "VersionId": "v1"}),
            (anna.iam.delete_policy, {"PolicyArn": written}),
            (anna.iam.tag_policy, {"PolicyArn": written, "Tags": [{"Key": "a", "Value": "b"}]}),
            (anna.iam.attach_user_policy, {"UserName": who, "PolicyArn": written}),
            (anna.iam.put_user_permissions_boundary, {"UserName": who, "PermissionsBoundary": written}),
            (anna.iam.create_user, {"UserName": fresh("user"), "PermissionsBoundary": written}),
        ]:
            text_of(call, **arguments)
    root.iam.attach_user_policy(UserName=who, PolicyArn=other)
    text_of(anna.iam.detach_user_policy, UserName=who, PolicyArn=other)
    shown = anna.iam.get_policy(PolicyArn=other)["Policy"]
    assert (shown["Arn"], shown["AttachmentCount"]) == (arn, 1)
    assert [row["UserName"] for row in root.iam.list_entities_for_policy(PolicyArn=other)["PolicyUsers"]] == [who]
    root.iam.detach_user_policy(UserName=who, PolicyArn=other)
    assert root.iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 0


def test_a_trust_policy_names_whom_there_is_and_what_roles_are_taken_by(root, account):
    name, _ = user(root)
    role, there = fresh("role"), f"arn:aws:iam::{account}:user/{name}"
    for nobody in [f"arn:aws:iam::{account}:user/{name}x", f"arn:aws:iam::{account}:role/none", "999999999999", "arn:aws:iam::999999999999:root"]:
        said = refused("MalformedPolicyDocument", 400, root.iam.create_role, RoleName=role, AssumeRolePolicyDocument=trust(there, nobody))
        assert said["Message"].startswith("Invalid principal in policy")
    wrong = policy({"Effect": "Allow", "Principal": {"AWS": there}, "Action": ["sts:AssumeRole", "s3:GetObject"]})
    said = refused("MalformedPolicyDocument", 400, root.iam.create_role, RoleName=role, AssumeRolePolicyDocument=wrong)
    assert said["Message"] == "AssumeRole policy may only specify STS AssumeRole actions."
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(there))
    # A role that is there may trust itself.
    root.iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust(f"arn:aws:iam::{account}:role/{role}"))
    refused("MalformedPolicyDocument", 400, root.iam.update_assume_role_policy, RoleName=role, PolicyDocument=trust(there + "x"))


def test_sessions_of_before_are_revoked_as_aws_does_it(root, account, bucket):
    _, anna = user(root, allow("sts:AssumeRole"))
    role = fresh("role")
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:root"))
    root.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=policy(allow("s3:*")))
    taken = anna.sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/{role}", RoleSessionName="job")
    session = Keys.temporary(root.server, taken)

    def revoke(until):
        older = deny("*", Condition={"DateLessThan": {"aws:TokenIssueTime": until.strftime("%Y-%m-%dT%H:%M:%S.000Z")}})
        root.iam.put_role_policy(RoleName=role, PolicyName="AWSRevokeOlderSessions", PolicyDocument=policy(older))

    now = datetime.datetime.now(datetime.UTC)
    revoke(now - datetime.timedelta(minutes=5))
    session.s3.list_objects_v2(Bucket=bucket)
    revoke(now + datetime.timedelta(minutes=5))
    text_of(session.s3.list_objects_v2, Bucket=bucket)
    assert anna.sts.get_caller_identity()["Account"] == account


def test_a_tag_of_a_session_replaces_that_of_the_role_whatever_their_case(root, account, bucket):
    _, anna = user(root, allow(["sts:AssumeRole", "sts:TagSession"]))
    role = fresh("role")
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:root"), Tags=[{"Key": "Team", "Value": "red"}])
    own = allow("s3:PutObject", f"arn:aws:s3:::{bucket}/${{aws:PrincipalTag/team}}/*")
    root.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=policy(own))
    arn = f"arn:aws:iam::{account}:role/{role}"
    tagged = anna.sts.assume_role(RoleArn=arn, RoleSessionName="job", Tags=[{"Key": "TEAM", "Value": "blue"}])
    blue = Keys.temporary(root.server, tagged)
    blue.s3.put_object(Bucket=bucket, Key="blue/k", Body=b"")
    text_of(blue.s3.put_object, Bucket=bucket, Key="red/k", Body=b"")
    root.iam.untag_role(RoleName=role, TagKeys=["TEAM"])
    assert root.iam.list_role_tags(RoleName=role)["Tags"] == []


def test_a_role_is_described_by_both_operations_that_do_it(root, account):
    role = fresh("role")
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:root"))
    root.iam.update_role(RoleName=role, Description="one", MaxSessionDuration=7200)
    answer = root.iam.update_role_description(RoleName=role, Description="two")["Role"]
    assert (answer["Description"], answer["MaxSessionDuration"]) == ("two", 7200)
    assert root.iam.get_role(RoleName=role)["Role"]["Description"] == "two"


def test_typing_errors_in_policies_are_refused(root):
    name, _ = user(root)
    for wrong in [allow("GetObject"), allow("s3:GetObject", "bucket/*"), allow("s3:GetObject", ""), allow("s3:GetObject") | {"Sid": "a b"}]:
        document = policy(wrong)
        refused("MalformedPolicyDocument", 400, root.iam.put_user_policy, UserName=name, PolicyName="p", PolicyDocument=document)
        refused("MalformedPolicyDocument", 400, root.iam.create_policy, PolicyName=fresh("p"), PolicyDocument=document)


def test_lists_about_policies_are_narrowed_and_come_in_pages(root, account):
    path = f"/{fresh('path')}/"
    made = root.iam.create_policy(PolicyName=fresh("p"), Path=path, PolicyDocument=policy(allow("s3:GetObject")))["Policy"]["Arn"]
    bounding = root.iam.create_policy(PolicyName=fresh("b"), Path=path, PolicyDocument=policy(allow("s3:*")))["Policy"]["Arn"]
    (name, _), group, role = user(root, PermissionsBoundary=bounding, Path=path), fresh("group"), fresh("role")
    root.iam.create_group(GroupName=group)
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:root"))
    for attach, whom in [
        (root.iam.attach_user_policy, {"UserName": name}),
        (root.iam.attach_group_policy, {"GroupName": group}),
        (root.iam.attach_role_policy, {"RoleName": role}),
    ]:
        attach(PolicyArn=made, **whom)
        attach(PolicyArn="arn:aws:iam::aws:policy/readonly", **whom)

    def entities(arn=made, **more):
        pages = root.iam.get_paginator("list_entities_for_policy").paginate(PolicyArn=arn, **more)
        lists = [("PolicyUsers", "UserName"), ("PolicyGroups", "GroupName"), ("PolicyRoles", "RoleName")]
        return {row[its] for page in pages for kind, its in lists for row in page[kind]}

    assert entities() == {name, group, role}
    assert entities(PaginationConfig={"PageSize": 1}) == {name, group, role}
    assert entities(EntityFilter="Group") == {group}
    assert entities(PathPrefix=path) == {name}
    assert entities(PolicyUsageFilter="PermissionsBoundary") == set()
    assert entities(bounding, PolicyUsageFilter="PermissionsBoundary") == {name}
    assert entities(bounding, PolicyUsageFilter="PermissionsPolicy") == set()

    def policies(**more):
        return {row["Arn"] for row in root.iam.list_policies(Scope="Local", PathPrefix=path, **more)["Policies"]}

    assert policies() == {made, bounding}
    assert policies(PolicyUsageFilter="PermissionsPolicy") == {made}
    assert policies(PolicyUsageFilter="PermissionsBoundary") == {bounding}
    for listed, whom in [
        (root.iam.list_attached_user_policies, {"UserName": name}),
        (root.iam.list_attached_group_policies, {"GroupName": group}),
        (root.iam.list_attached_role_policies, {"RoleName": role}),
    ]:
        assert len(listed(**whom)["AttachedPolicies"]) == 2
        assert [row["PolicyArn"] for row in listed(PathPrefix=path, **whom)["AttachedPolicies"]] == [made]
    for _ in range(2):
        root.iam.create_policy_version(PolicyArn=made, PolicyDocument=policy(allow("s3:GetObject")))
    pages = list(root.iam.get_paginator("list_policy_versions").paginate(PolicyArn=made, PaginationConfig={"PageSize": 2}))
    assert [[row["VersionId"] for row in page["Versions"]] for page in pages] == [["v3", "v2"], ["v1"]]


def test_what_tools_look_for_and_is_not_here_is_an_empty_list_or_no_such_entity(root, account):
    name, anna = user(root)
    role = fresh("role")
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:root"))
    of_user = [
        (root.iam.list_mfa_devices, "MFADevices"),
        (root.iam.list_ssh_public_keys, "SSHPublicKeys"),
        (root.iam.list_signing_certificates, "Certificates"),
        (root.iam.list_service_specific_credentials, "ServiceSpecificCredentials"),
    ]
    for call, names in of_user:
        assert call(UserName=name)[names] == []
        refused("NoSuchEntity", 404, call, UserName=name + "x")
    assert root.iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
    assert root.iam.list_account_aliases()["AccountAliases"] == []
    assert root.iam.list_instance_profiles()["InstanceProfiles"] == []
    assert root.iam.list_instance_profiles_for_role(RoleName=role)["InstanceProfiles"] == []
    refused("NoSuchEntity", 404, root.iam.get_login_profile, UserName=name)
    refused("NoSuchEntity", 404, root.iam.delete_login_profile, UserName=name)
    text_of(anna.iam.list_mfa_devices, UserName=name)
    assert root.sts.get_access_key_info(AccessKeyId=anna.access_key)["Account"] == account
    refused("ValidationError", 400, root.sts.get_access_key_info, AccessKeyId="AKIAUNKNOWNUNKNOWN99")


def test_all_of_an_account_is_told_at_once_and_in_pages(root, account):
    (name, _), group = user(root, allow("s3:GetObject")), fresh("group")
    role = fresh("role")
    root.iam.create_group(GroupName=group)
    root.iam.add_user_to_group(GroupName=group, UserName=name)
    root.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:root"))
    made = root.iam.create_policy(PolicyName=fresh("p"), PolicyDocument=policy(allow("s3:GetObject")))["Policy"]["Arn"]
    root.iam.attach_group_policy(GroupName=group, PolicyArn=made)
    root.iam.attach_role_policy(RoleName=role, PolicyArn="arn:aws:iam::aws:policy/readonly")
    pages = list(root.iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 7}))
    found = {kind: [row for page in pages for row in page[kind]] for kind in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")}
    (anna,) = (row for row in found["UserDetailList"] if row["UserName"] == name)
    assert anna["GroupList"] == [group] and anna["UserPolicyList"][0]["PolicyDocument"]["Statement"][0]["Action"] == "s3:GetObject"
    (its_group,) = (row for row in found["GroupDetailList"] if row["GroupName"] == group)
    assert [row["PolicyArn"] for row in its_group["AttachedManagedPolicies"]] == [made]
    (its_role,) = (row for row in found["RoleDetailList"] if row["RoleName"] == role)
    assert its_role["AttachedManagedPolicies"][0]["PolicyName"] == "readonly" and its_role["AssumeRolePolicyDocument"]["Statement"]
    (its_policy,) = (row for row in found["Policies"] if row["Arn"] == made)
    assert its_policy["PolicyVersionList"][0]["IsDefaultVersion"] and its_policy["AttachmentCount"] == 1
    only = root.iam.get_account_authorization_details(Filter=["Role"], MaxItems=1000)
    assert not only["UserDetailList"] and not only["Policies"] and role in [row["RoleName"] for row in only["RoleDetailList"]]
