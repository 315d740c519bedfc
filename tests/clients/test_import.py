"""Users, groups, policies and service accounts of a MinIO server are taken over from the archive that its client exports."""

import io
import json
import re
import zipfile

import pytest
import topology
from test_access import refused
from test_admin import ask
from test_iam import Keys, allow, deny, fresh, policy, root, user  # noqa: F401

PATH = "/api/v1/import/minio-iam"


def exported(**files):
    """An archive as `mc admin cluster iam export` writes it, deflated and with lengths behind the bytes."""

    class Unseekable(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise OSError

        def tell(self):
            raise OSError

    buffer = Unseekable()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, said in files.items():
            archive.writestr(f"iam-assets/{name}.json", said if isinstance(said, (str, bytes)) else json.dumps(said))
    return buffer.getvalue()


def send(server, archive, query="", kind="application/zip", **more):
    return ask(server, "POST", PATH + query, body=archive, kind=kind, **more)


def items(said):
    return {(item["kind"], item["name"]): item for item in said["items"]}


class Other:
    """A MinIO server with some of everything, under names that nobody else has."""

    def __init__(self, server, bucket):
        self.server, self.bucket = server, bucket
        self.anna, self.bert, self.staff, self.reads, self.job, self.idle = (
            fresh(prefix) for prefix in ("anna", "bert", "staff", "reads", "job", "idle")
        )
        self.secrets = {name: "hush-" + fresh("secret") for name in (self.anna, self.bert, self.job, self.idle)}

    def document(self, *actions):
        return json.loads(policy(allow(list(actions), [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"])))

    def account(self, key, parent, **more):
        own = {"parent": parent, "accessKey": key, "secretKey": self.secrets[key], "groups": None, "status": "on", "name": "", "description": ""}
        claims = {"accessKey": key, "parent": parent, "sa-policy": "embedded-policy" if "sessionPolicy" in more else "inherited-policy"}
        return own | {"claims": claims, "sessionPolicy": None, "expiration": "1970-01-01T00:00:00Z"} | more

    def files(self):
        canned = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}]}
        at = {"version": 1, "updatedAt": "2024-05-01T10:00:00.123456789Z"}
        return {
            "policies": {self.reads: self.document("s3:GetObject", "s3:ListBucket"), "readwrite": canned},
            "users": {
                self.anna: {"secretKey": self.secrets[self.anna], "status": "enabled"},
                self.bert: {"secretKey": self.secrets[self.bert], "status": "disabled"},
            },
            "groups": {self.staff: at | {"status": "enabled", "members": [self.anna, self.bert]}},
            "svcaccts": {
                self.job: self.account(
                    self.job, self.anna, sessionPolicy=self.document("s3:ListBucket"), name="nightly", description="the job", expiration="2999-01-01T00:00:00Z"
                ),
                self.idle: self.account(self.idle, self.anna, status="off"),
            },
            "user_mappings": {self.anna: at | {"policy": self.reads}},
            "group_mappings": {self.staff: at | {"policy": "writeonly"}},
            "stsuser_mappings": {"uid=carl,ou=people,dc=example,dc=com": at | {"policy": "readwrite"}},
        }

    def keys(self, name):
        return Keys(self.server, name, self.secrets[name])


@pytest.fixture
def other(server, bucket):
    return Other(server, bucket)


def test_who_could_sign_in_there_signs_in_here_and_may_do_the_same(server, root, other, bucket):
    root.s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    status, _, said = send(server, exported(**other.files()))
    assert status == 200 and said["dry_run"] is False
    came = items(said)
    for kind, name in [("policy", other.reads), ("user", other.anna), ("user", other.bert), ("group", other.staff), ("service_account", other.job)]:
        assert came[kind, name] == {"kind": kind, "name": name, "outcome": "imported"}
    assert came["policy", "readwrite"]["outcome"] == "present"
    assert came["mapping", "uid=carl,ou=people,dc=example,dc=com"]["outcome"] == "refused"
    assert "hush" not in json.dumps(said)

    anna = other.keys(other.anna)
    assert anna.sts.get_caller_identity()["Arn"].endswith(f":user/{other.anna}")
    assert anna.s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"
    anna.s3.put_object(Bucket=bucket, Key="by-group", Body=b"")
    refused("AccessDenied", 403, anna.s3.delete_object, Bucket=bucket, Key="k")
    refused("SignatureDoesNotMatch", 403, Keys(server, other.anna, "wrong").s3.list_buckets)

    job = other.keys(other.job)
    assert job.s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 2
    refused("AccessDenied", 403, job.s3.get_object, Bucket=bucket, Key="k")
    for off in (other.bert, other.idle):
        refused("InvalidAccessKeyId", 403, other.keys(off).s3.list_objects_v2, Bucket=bucket)
    root.iam.update_access_key(UserName=other.bert, AccessKeyId=other.bert, Status="Active")
    other.keys(other.bert).s3.put_object(Bucket=bucket, Key="by-group", Body=b"")
    shown = server.admin("user", "service", "list", other.anna)
    assert other.job in shown and "nightly" in shown and "2999-01-01" in shown


def test_a_dry_run_tells_the_same_and_changes_nothing(server, root, other):
    archive = exported(**other.files())
    status, _, tried = send(server, archive, "?dry_run=true")
    assert status == 200 and tried["dry_run"] is True
    refused("NoSuchEntity", 404, root.iam.get_user, UserName=other.anna)
    refused("InvalidAccessKeyId", 403, other.keys(other.anna).s3.list_buckets)
    _, _, done = send(server, archive)
    assert done["items"] == tried["items"]


def test_an_archive_may_come_twice_and_what_is_here_is_left_alone(server, root, other, bucket):
    root.iam.create_user(UserName=other.bert)
    archive = exported(**other.files())
    came = items(send(server, archive)[2])
    assert came["user", other.bert]["outcome"] == "present"
    assert came["group", other.staff]["outcome"] == "imported_in_part" and "was here before" in came["group", other.staff]["notes"][0]
    assert root.iam.list_access_keys(UserName=other.bert)["AccessKeyMetadata"] == []
    users = root.iam.get_group(GroupName=other.staff)["Users"]
    root.iam.delete_user(UserName=other.bert)
    assert [found["UserName"] for found in users] == [other.anna]
    root.iam.put_user_policy(UserName=other.anna, PolicyName="no", PolicyDocument=policy(deny("s3:*")))
    changed = other.files()
    changed["users"][other.anna]["secretKey"] = "another-secret"
    came = items(send(server, exported(**changed))[2])
    assert came["user", other.anna]["outcome"] == came["policy", other.reads]["outcome"] == came["service_account", other.job]["outcome"] == "present"
    assert came["user", other.bert]["outcome"] == "imported"
    refused("AccessDenied", 403, other.keys(other.anna).s3.list_objects_v2, Bucket=bucket)


def test_what_cannot_be_taken_over_is_told_with_its_reason_and_no_secret(server, other):
    files = other.files()
    files["policies"] |= {fresh("bad"): {"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}, fresh("ops"): {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["admin:ServerInfo"]}]}}
    bad, ops = list(files["policies"])[-2:]
    files["user_mappings"][other.anna]["policy"] += f",{bad},nowhere"
    files["users"] |= {topology.ACCESS_KEY: {"secretKey": "hush", "status": "enabled"}, "no name": {"secretKey": "hush", "status": "enabled"}, "text": "hush"}
    files["svcaccts"]["of-root"] = {"parent": "minioadmin", "accessKey": "of-root", "secretKey": "hush", "status": "on"}
    files["surprise"] = {}
    status, _, said = send(server, exported(**files), "?dry_run=true")
    came = items(said)
    assert status == 200 and "hush" not in json.dumps(said)
    for kind, name, why in [
        ("policy", bad, "no policy"),
        ("user", topology.ACCESS_KEY, "somebody has this access key"),
        ("user", "no name", "cannot be an access key"),
        ("user", "text", "not of the form"),
        ("service_account", "of-root", "make a user of this name"),
        ("file", "surprise.json", "not known"),
    ]:
        assert came[kind, name]["outcome"] == "refused" and why in came[kind, name]["notes"][0], (kind, name)
    assert came["policy", ops]["outcome"] == "imported_in_part" and "admin:ServerInfo" in came["policy", ops]["notes"][0]
    notes = came["user", other.anna]["notes"]
    assert came["user", other.anna]["outcome"] == "imported_in_part"
    assert bad in notes[0] and "nowhere is not attached: the archive has no such policy" in notes[1].removeprefix("the policy ")


def test_an_archive_that_cannot_be_read_changes_nothing_and_is_told_in_a_sentence(server, root, other):
    good = exported(**other.files())
    bomb = b" " * (9 << 20)
    files = other.files()
    wrong = [
        (b"", "no ZIP"),
        (b"no archive at all", "no ZIP"),
        (good[: len(good) // 2], "no ZIP"),
        (good[:-10], "no ZIP"),
        (exported(users=bomb, groups=bomb), "unpacks to more"),
        (exported(**{f"file-{number}": "{}" for number in range(100)}), "more than 64 entries"),
        (exported(**(files | {"policies": "{"})), "policies.json"),
        (exported(**(files | {"users": "[]"})), "users.json"),
        (exported(**(files | {"users": '{"a": {"secretKey": "hush"}, "a": {}}'})), "users.json"),
        (exported(surprise="{}"), "no iam-assets"),
    ]
    for archive, why in wrong:
        status, _, said = send(server, archive)
        assert status == 400 and said["code"] == "BadRequest" and why in said["error"] and "hush" not in said["error"], (why, said)
    assert send(server, b"\0" * ((8 << 20) + 1))[0] == 413
    assert send(server, good, kind="application/json")[2]["code"] == "NotZip"
    assert send(server, good, kind=None)[0] == 415
    assert send(server, good, "?dryrun=true")[0] == 400
    refused("NoSuchEntity", 404, root.iam.get_user, UserName=other.anna)


def test_only_whom_a_policy_allows_it_may_import(server, root, other):
    archive = exported(**other.files())
    for actions, expected in [("iam:*", 403), ("admin:ImportIAM", 200)]:
        _, keys = user(root, allow(actions))
        assert send(server, archive, "?dry_run=true", pair=f"{keys.access_key}:{keys.secret_key}")[0] == expected
    assert send(server, archive, pair=None)[0] == 401


def test_a_command_imports_and_shows_what_came_of_everything(server, other, tmp_path):
    (tmp_path / "iam.zip").write_bytes(exported(**other.files()))
    tried = server.admin("import", "minio-iam", str(tmp_path / "iam.zip"), "--dry-run")
    assert re.search(rf"^user +{other.anna} +imported *$", tried, re.M) and "Nothing was changed" in tried
    said = json.loads(server.admin("import", "minio-iam", str(tmp_path / "iam.zip"), "--json"))
    assert items(said)["user", other.anna]["outcome"] == "imported"
    shown = server.admin("import", "minio-iam", str(tmp_path / "iam.zip"))
    assert re.search(rf"^user +{other.anna} +left alone *$", shown, re.M) and "0 imported" in shown
    assert other.secrets[other.anna] not in tried + shown
    (tmp_path / "bad.zip").write_bytes(b"bad")
    failed = server.admin("import", "minio-iam", str(tmp_path / "bad.zip"), fails=True)
    assert "no ZIP archive" in failed and len(failed.splitlines()) == 1
