"""The audit log: who did what, from where, what decided; in a file that makes room, and at a webhook. And denials, kept over a restart."""

import json
import stat

import pytest
import topology
from conftest import client_at
from console import signed_in
from test_admin import ask
from test_console_own import fetch
from test_iam import Keys, allow, deny, policy, trust, user
from webhook import Webhook


@pytest.fixture
def audited(tmp_path):
    """A server that writes an audit log, and the lines of that."""
    server = topology.serve(tmp_path)
    server.front.arguments += ["--audit-file", "audit.jsonl"]
    server.start()
    yield server
    server.stop()


def lines(server):
    return [json.loads(line) for line in (server.folder / "audit.jsonl").read_text().splitlines()]


def wait_for(server, wanted):
    """The first line that is wanted; it is written soon after the answer."""
    found = []
    topology.wait_until(lambda: found.extend(line for line in lines(server) if wanted(line)) or found, "a line of the audit log")
    return found[0]


def explained(server, request_id):
    """Why a request to IAM or STS was denied, as soon as it is remembered."""
    found = []

    def is_there():
        status, _, said = ask(server, "GET", f"/api/v1/requests/{request_id}")
        found.append(said)
        return status == 200

    topology.wait_until(is_there, "a denied request that is remembered")
    return found[-1]["why"]


def test_every_request_is_written_down_with_what_decided(audited):
    root = Keys(audited, topology.ACCESS_KEY, topology.SECRET_KEY)
    root.s3.create_bucket(Bucket="bucket")
    root.s3.put_object(Bucket="bucket", Key="dir/k", Body=b"12345", Metadata={"secret": "do-not-log"})
    name, anna = user(root, allow("s3:GetObject") | {"Sid": "MayRead"}, deny("s3:PutObject"))
    got = anna.s3.get_object(Bucket="bucket", Key="dir/k")
    got["Body"].read()
    line = wait_for(audited, lambda line: line["request_id"] == got["ResponseMetadata"]["RequestId"])
    assert (line["service"], line["action"], line["bucket"], line["key"], line["status"]) == ("s3", "get_object", "bucket", "dir/k", 200)
    assert line["caller"].endswith(f"user/{name}") and line["address"] == "127.0.0.1" and line["sent"] == 5 and line["decision"] == "allow"
    assert line["deciding"] == {"policy": f"the inline policy own of the user {name}", "statement": "MayRead"}
    with pytest.raises(anna.s3.exceptions.ClientError) as denied:
        anna.s3.put_object(Bucket="bucket", Key="k", Body=b"")
    line = wait_for(audited, lambda line: line["request_id"] == denied.value.response["ResponseMetadata"]["RequestId"])
    assert (line["decision"], line["action"], line["error_code"]) == ("deny", "s3:PutObject", "AccessDenied")
    assert line["deciding"]["statement"] == "#2" and line["resource"] == "arn:aws:s3:::bucket/k"
    root.s3.put_bucket_tagging(Bucket="bucket", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    root.s3.get_bucket_tagging(Bucket="bucket")
    for operation in ["put_bucket_tagging", "get_bucket_tagging"]:
        assert wait_for(audited, lambda line, operation=operation: line["action"] == operation)["bucket"] == "bucket"
        assert audited.metric("holdfast_requests_total", f'operation="{operation}",status="2xx"') == 1
    line = wait_for(audited, lambda line: line["action"] == "put_object")
    assert line["deciding"]["policy"] == "the account's root" and line["received"] > 0


def test_who_is_behind_a_role_is_written_down(audited):
    root = Keys(audited, topology.ACCESS_KEY, topology.SECRET_KEY)
    account = root.sts.get_caller_identity()["Account"]
    name, anna = user(root, allow(["sts:AssumeRole", "sts:SetSourceIdentity"]))
    trusts = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}
    arn = root.iam.create_role(RoleName="worker", AssumeRolePolicyDocument=policy(trusts))["Role"]["Arn"]
    taken = anna.sts.assume_role(RoleArn=arn, RoleSessionName="job", SourceIdentity="carla")
    line = wait_for(audited, lambda line: line["action"] == "AssumeRole")
    assert line["caller"].endswith(f"user/{name}") and "source_identity" not in line
    session = Keys.temporary(audited, taken)
    with pytest.raises(session.s3.exceptions.ClientError):
        session.s3.list_buckets()
    line = wait_for(audited, lambda line: "ListAllMyBuckets" in line["action"])
    assert line["caller"].endswith("assumed-role/worker/job") and line["source_identity"] == "carla"
    session.sts.get_caller_identity()
    line = wait_for(audited, lambda line: line["action"] == "GetCallerIdentity" and line["caller"].endswith("worker/job"))
    assert line["source_identity"] == "carla"


def test_why_iam_and_sts_denied_something_is_remembered_by_its_id(audited):
    root = Keys(audited, topology.ACCESS_KEY, topology.SECRET_KEY)
    name, anna = user(root, allow("iam:*"), deny("iam:DeleteUser") | {"Sid": "NoDeletion"})
    account = root.sts.get_caller_identity()["Account"]
    arn = f"arn:aws:iam::{account}:role/worker"
    root.iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:user/{user(root)[0]}"))

    def denied(call, **arguments):
        with pytest.raises(anna.iam.exceptions.ClientError) as error:
            call(**arguments)
        return error.value.response["ResponseMetadata"]["RequestId"]

    request_id = denied(anna.iam.delete_user, UserName=name)
    why = explained(audited, request_id)
    assert (why["decision"], why["action"], why["deciding"]["statement"]) == ("ExplicitDeny", "iam:DeleteUser", "NoDeletion")
    assert f"statement NoDeletion of the inline policy own of the user {name}" in audited.admin("why", request_id)
    line = wait_for(audited, lambda line: line["request_id"] == request_id)
    assert line["deciding"]["statement"] == "NoDeletion" and line["decision"] == "deny"
    why = explained(audited, denied(user(root)[1].iam.list_users))
    assert why["decision"] == "ImplicitDeny" and why["missing"].startswith("Allow iam:ListUsers on ")
    assert "trust policy" in explained(audited, denied(anna.sts.assume_role, RoleArn=arn, RoleSessionName="work"))["missing"]
    elsewhere = denied(anna.sts.assume_role, RoleArn=arn + "s", RoleSessionName="work")
    assert explained(audited, elsewhere)["missing"] == f"there is no role {arn}s"


def test_iam_and_the_admin_api_are_written_down_too(audited):
    root = Keys(audited, topology.ACCESS_KEY, topology.SECRET_KEY)
    name, anna = user(root)
    line = wait_for(audited, lambda line: line["action"] == "CreateUser")
    assert (line["service"], line["resource"], line["decision"]) == ("iam", name, "allow") and line["caller"].endswith(":root")
    with pytest.raises(anna.iam.exceptions.ClientError):
        anna.iam.list_users()
    assert wait_for(audited, lambda line: line["action"] == "ListUsers")["decision"] == "deny"
    browser = signed_in(audited, anna.access_key, anna.secret_key)
    line = wait_for(audited, lambda line: line["action"] == "SignIn")
    assert line["caller"].endswith(f"user/{name}") and line["resource"] == anna.access_key
    browser.sign_in(topology.ACCESS_KEY, "not-the-secret")
    line = wait_for(audited, lambda line: line["action"] == "SignIn" and line["status"] == 401)
    assert line["resource"] == topology.ACCESS_KEY and line["caller"] is None and line["decision"] == "deny"
    browser.ask("GET", "/api/v1/status")
    line = wait_for(audited, lambda line: line["action"] == "admin:Status")
    assert (line["service"], line["status"], line["decision"]) == ("admin", 403, "deny")
    browser.s3("GET", "/bucket/k")
    assert wait_for(audited, lambda line: line["service"] == "s3" and line["caller"] and line["caller"].endswith(name))


def test_no_secret_and_no_signature_is_in_it(audited):
    root = Keys(audited, topology.ACCESS_KEY, topology.SECRET_KEY)
    root.s3.create_bucket(Bucket="bucket")
    _, anna = user(root, allow("*"))
    link = anna.s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "k"})
    assert fetch(link)[0] == 404
    browser = signed_in(audited, anna.access_key, anna.secret_key)
    browser.s3("GET", "/bucket/k")
    token = root.sts.get_session_token()["Credentials"]
    Keys(audited, token["AccessKeyId"], token["SecretAccessKey"], token["SessionToken"]).s3.list_objects_v2(Bucket="bucket")
    wait_for(audited, lambda line: line["action"] == "list_objects_v2")
    text = (audited.folder / "audit.jsonl").read_text()
    signature = link.split("Signature=")[1].split("&")[0]
    for secret in [topology.SECRET_KEY, anna.secret_key, signature, token["SecretAccessKey"], token["SessionToken"], browser.cookie, browser.session["csrf"]]:
        assert secret not in text
    assert stat.S_IMODE((audited.folder / "audit.jsonl").stat().st_mode) == 0o600


def test_what_was_answered_is_in_the_file_after_a_stop(audited):
    s3 = client_at(audited.endpoint)
    s3.create_bucket(Bucket="bucket")
    for number in range(50):
        s3.put_object(Bucket="bucket", Key=str(number), Body=b"")
    audited.stop()
    assert sum(line["action"] == "put_object" for line in lines(audited)) == 50


def test_a_webhook_gets_the_audit_log_and_what_it_missed(tmp_path):
    hook = Webhook()
    server = topology.serve(tmp_path)
    server.front.arguments += ["--webhook", f"audit={hook.url}", "--audit-webhook", "audit"]
    server.start()
    try:
        s3 = client_at(server.endpoint)
        s3.create_bucket(Bucket="bucket")
        topology.wait_until(lambda: "did not take it" in server.front.log(), "a delivery that fails")
        hook.start()
        s3.put_object(Bucket="bucket", Key="k", Body=b"")
        told = ["create_bucket", "put_object"]
        topology.wait_until(lambda: [line["action"] for line in hook.lines() if line["action"] in told] == told, "all lines, in order")
    finally:
        server.stop()
        hook.stop()


def test_a_webhook_that_is_not_configured_ends_the_start(tmp_path):
    server = topology.serve(tmp_path)
    server.front.arguments += ["--audit-webhook", "nothing"]
    server.front.start()
    topology.wait_until(lambda: not server.front.alive(), "the end of the start")
    assert "audit_webhook" in server.front.log() and "--webhook" in server.front.log()


def test_denials_are_remembered_over_a_restart(running):
    root = Keys(running, topology.ACCESS_KEY, topology.SECRET_KEY)
    root.s3.create_bucket(Bucket="bucket")
    root.s3.put_object(Bucket="bucket", Key="k", Body=b"")
    _, anna = user(root)
    with pytest.raises(anna.s3.exceptions.ClientError) as denied:
        anna.s3.get_object(Bucket="bucket", Key="k")
    identifier = denied.value.response["ResponseMetadata"]["RequestId"]
    before = running.admin("why", identifier)
    running.front.terminate()
    running.start_front()
    assert running.admin("why", identifier) == before and "s3:GetObject" in before
    assert stat.S_IMODE((running.folder / ".holdfast" / "denied.jsonl").stat().st_mode) == 0o600
