"""People of a directory: OpenLDAP with TLS, AssumeRoleWithLDAPIdentity by a MinIO SDK and by hand, and signing in to the console."""

import datetime
import http.client
import json
import socket
import threading
import urllib.parse
import xml.etree.ElementTree as ElementTree

import boto3
import minio
import pytest
import slapd
import topology
from certificates import Authority
from minio.credentials import LdapIdentityProvider
from test_audit import explained
from test_audit import wait_for as audit_line

ANNA, BORIS = f"uid=anna,{slapd.PEOPLE}", f"uid=boris,{slapd.PEOPLE}"
PASSWORDS = {"anna": "anna's (secret) *", "boris": "boris & co", "twin": "the same", "outsider": "elsewhere", "ä (b)*": "odd name"}
PEOPLE = {
    ANNA: ("anna", PASSWORDS["anna"]),
    BORIS: ("boris", PASSWORDS["boris"]),
    f"uid=twin,{slapd.PEOPLE}": ("twin", PASSWORDS["twin"]),
    f"uid=twin,ou=guests,{slapd.PEOPLE}": ("twin", PASSWORDS["twin"]),
    f"uid=outsider,{slapd.SUFFIX}": ("outsider", PASSWORDS["outsider"]),
    f"uid=ä (b)*,{slapd.PEOPLE}": ("ä (b)*", PASSWORDS["ä (b)*"]),
}
GROUPS = {"reader": [ANNA], "archive-team": [ANNA, f"uid=ä (b)*,{slapd.PEOPLE}"], "writer": [BORIS]}
STS = "{https://sts.amazonaws.com/doc/2011-06-15/}"


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A directory with TLS that is trusted."""
    if slapd.installed() is None:
        pytest.skip("slapd is not installed")
    folder = tmp_path_factory.mktemp("slapd")
    server = slapd.Slapd(folder / "server", Authority(folder / "authority"), PEOPLE, GROUPS)
    server.authority = folder / "authority/ca.pem"
    yield server.start()
    server.stop()


def with_directory(folder, directory, *flags, url=None):
    """A server that has the directory."""
    (folder / "ldap.password").write_text(f"{slapd.LOOKUP_PASSWORD}\n")
    server = topology.serve(folder)
    server.front.arguments += [
        "--ldap-url", url or f"ldaps://127.0.0.1:{directory.tls_port}", "--tls-ca", str(directory.authority),
        "--ldap-bind-dn", slapd.LOOKUP, "--ldap-bind-password-file", "ldap.password", "--ldap-user-base", slapd.PEOPLE,
        "--ldap-group-base", slapd.GROUPS, "--audit-file", "audit.jsonl", *flags,
    ]
    return server


@pytest.fixture
def start(tmp_path, directory):
    """Starts servers with flags; they are stopped in the end."""
    started = []

    def start(*flags, url=None):
        server = with_directory(tmp_path, directory, *flags, url=url)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


def client_for(server, service, **pair):
    pair = pair or {"aws_access_key_id": topology.ACCESS_KEY, "aws_secret_access_key": topology.SECRET_KEY}
    return boto3.client(service, endpoint_url=server.endpoint, region_name=topology.REGION, **pair)


def make_role(server, name, condition=None, **more):
    """A role that people of the directory may take and that may list buckets; answers its ARN."""
    account = client_for(server, "sts").get_caller_identity()["Account"]
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{account}:ldap-provider/ldap"},
        "Action": "sts:AssumeRoleWithLDAPIdentity",
    } | ({"Condition": condition} if condition else {})
    iam = client_for(server, "iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust), **more)["Role"]["Arn"]
    allow = {"Effect": "Allow", "Action": ["s3:ListAllMyBuckets", "s3:CreateBucket"], "Resource": "*"}
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(allow))
    return arn


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def log_in(server, name, password, **more):
    """Status, code of the error if there is one, and its message or the result as a tree."""
    form = {"Action": "AssumeRoleWithLDAPIdentity", "Version": "2011-06-15", "LDAPUsername": name, "LDAPPassword": password, **more}
    connection = http.client.HTTPConnection(server.endpoint.removeprefix("http://"), timeout=60)
    connection.request("POST", "/", urllib.parse.urlencode(form), {"content-type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    tree = ElementTree.fromstring(answer.read())
    if answer.status == 200:
        return 200, None, tree.find(f"{STS}AssumeRoleWithLDAPIdentityResult")
    return answer.status, tree.find(f"{STS}Error/{STS}Code").text, tree.find(f"{STS}Error/{STS}Message").text


def pair_of(result):
    made = result.find(f"{STS}Credentials")
    text = lambda name: made.find(f"{STS}{name}").text
    return {
        "aws_access_key_id": text("AccessKeyId"), "aws_secret_access_key": text("SecretAccessKey"), "aws_session_token": text("SessionToken"),
    }


def sign_in(server, name, password):
    """Status, what is told, and the cookie, of a sign-in to the console."""
    connection = http.client.HTTPConnection(server.console, timeout=60)
    body = json.dumps({"user_name": name, "password": password})
    connection.request("POST", "/api/v1/session/ldap", body, {"content-type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read()), (answer.headers.get("set-cookie") or "").split(";")[0]


def fetched(server, path, cookie=""):
    connection = http.client.HTTPConnection(server.console, timeout=60)
    connection.request("GET", path, headers={"cookie": cookie})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def urls(directory):
    return {"ldaps": f"ldaps://127.0.0.1:{directory.tls_port}", "starttls": f"ldap://127.0.0.1:{directory.port}"}


@pytest.mark.parametrize("way", ["ldaps", "starttls", "plain"])
def test_a_minio_client_logs_in_and_has_the_role_of_its_group(start, directory, way):
    url = urls(directory).get(way, f"ldap://127.0.0.1:{directory.port}")
    server = start(*(["--ldap-plain"] if way == "plain" else []), url=url)
    make_role(server, "reader")
    provider = LdapIdentityProvider(server.endpoint, "anna", PASSWORDS["anna"])
    client = minio.Minio(server.endpoint.removeprefix("http://"), credentials=provider, secure=False, region=topology.REGION)
    assert client.list_buckets() == []
    made = provider.retrieve()
    pair = {"aws_access_key_id": made.access_key, "aws_secret_access_key": made.secret_key, "aws_session_token": made.session_token}
    assert client_for(server, "sts", **pair).get_caller_identity()["Arn"].endswith(":assumed-role/reader/anna")
    client.make_bucket("bucket")
    with pytest.raises(minio.error.S3Error) as refused:
        client.remove_bucket("bucket")
    assert refused.value.code == "AccessDenied"
    narrower = LdapIdentityProvider(server.endpoint, "anna", PASSWORDS["anna"], policy=document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}))
    client = minio.Minio(server.endpoint.removeprefix("http://"), credentials=narrower, secure=False, region=topology.REGION)
    with pytest.raises(minio.error.S3Error) as refused:
        client.list_buckets()
    assert refused.value.code == "AccessDenied"


def test_names_and_passwords_that_are_not_somebodys_are_refused_alike(start):
    server = start("--log-level", "debug")
    make_role(server, "reader")
    wrong = [
        ("anna", "another"), ("anna", PASSWORDS["boris"]), ("nobody", "another"), ("*", PASSWORDS["anna"]), ("*)(uid=*", PASSWORDS["anna"]),
        ("anna)(objectClass=*", PASSWORDS["anna"]), (ANNA, PASSWORDS["anna"]), ("twin", PASSWORDS["twin"]), ("outsider", PASSWORDS["outsider"]),
        ("%s", PASSWORDS["anna"]), ("anna\0", PASSWORDS["anna"]), ("x" * 5000, PASSWORDS["anna"]),
    ]
    told = {log_in(server, *pair) for pair in wrong}
    assert len(told) == 1 and next(iter(told))[:2] == (403, "AccessDenied")
    assert "several entries" in server.front.log()
    # To this directory no password is nobody's, and it says yes to that.
    assert log_in(server, "anna", "")[:2] == (400, "ValidationError")
    assert sign_in(server, "anna", "")[0] == 401
    assert log_in(server, "anna", PASSWORDS["anna"])[0] == 200


def test_no_password_and_no_secret_is_in_a_log_and_the_audit_log_has_the_name(start, tmp_path):
    server = start("--log-level", "trace")
    make_role(server, "reader")
    log_in(server, "anna", "a wrong one vexillology")
    log_in(server, "anna", PASSWORDS["anna"])
    sign_in(server, "anna", PASSWORDS["anna"])
    LdapIdentityProvider(server.endpoint, "anna", PASSWORDS["anna"]).retrieve()
    line = audit_line(server, lambda line: line["action"] == "AssumeRoleWithLDAPIdentity" and line["status"] == 200)
    assert (line["service"], line["caller"], line["resource"], line["decision"]) == ("sts", "ldap:anna", "anna", "allow")
    line = audit_line(server, lambda line: line["action"] == "AssumeRoleWithLDAPIdentity" and line["status"] == 403)
    assert (line["caller"], line["resource"], line["decision"]) == (None, "anna", "deny")
    line = audit_line(server, lambda line: line["action"] == "SignIn")
    assert line["caller"].endswith(":assumed-role/reader/anna") and line["resource"] == "anna"
    written = server.front.log() + (tmp_path / "audit.jsonl").read_text()
    assert "anna" in written
    for secret in [PASSWORDS["anna"], urllib.parse.quote_plus(PASSWORDS["anna"]), urllib.parse.quote(PASSWORDS["anna"]), "vexillology", slapd.LOOKUP_PASSWORD]:
        assert secret not in written, secret


def test_groups_are_given_roles_in_the_operators_order(start):
    server = start("--ldap-role", "Archive-Team=archivist", "--ldap-role", "reader=viewer")
    archivist, viewer = make_role(server, "archivist"), make_role(server, "viewer")
    reader = make_role(server, "reader")
    role = lambda result: result.find(f"{STS}AssumedRoleUser/{STS}Arn").text.split("/")[-2]
    assert role(log_in(server, "anna", PASSWORDS["anna"])[2]) == "archivist"
    client_for(server, "iam").update_assume_role_policy(RoleName="archivist", PolicyDocument=document(
        {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRoleWithLDAPIdentity"}
    ))
    assert role(log_in(server, "anna", PASSWORDS["anna"])[2]) == "viewer"
    status, code, message = log_in(server, "boris", PASSWORDS["boris"])
    assert (status, code) == (403, "AccessDenied") and message.startswith("boris may take no role: the groups of the directory name no role")
    assert role(log_in(server, "anna", PASSWORDS["anna"], RoleArn=viewer)[2]) == "viewer"
    # The trust policies let everybody of the directory in: it is the groups that say who has which role.
    for arn in [viewer, reader, archivist]:
        assert log_in(server, "boris", PASSWORDS["boris"], RoleArn=arn)[:2] == (403, "AccessDenied"), arn
    for arn in [reader, archivist, viewer + "s"]:
        assert log_in(server, "anna", PASSWORDS["anna"], RoleArn=arn)[:2] == (403, "AccessDenied"), arn


def test_a_trust_policy_sees_who_it_is_and_which_groups_it_is_in(start):
    server = start()
    reader = make_role(server, "reader", {"StringEquals": {"ldap:username": "anna", "ldap:user": ANNA}})
    team = make_role(server, "archive-team", {"ForAnyValue:StringLike": {"ldap:groups": "cn=archive-team,*"}})
    role = lambda result: result.find(f"{STS}AssumedRoleUser/{STS}Arn").text.split("/")[-2]
    assert role(log_in(server, "anna", PASSWORDS["anna"])[2]) == "archive-team"
    assert log_in(server, "ANNA", PASSWORDS["anna"])[0] == 200, "the directory takes both for one, and says how it is written"
    assert role(log_in(server, "anna", PASSWORDS["anna"], RoleArn=reader)[2]) == "reader"
    odd = log_in(server, "ä (b)*", PASSWORDS["ä (b)*"], RoleArn=team)
    assert odd[2].find(f"{STS}AssumedRoleUser/{STS}Arn").text.endswith(":assumed-role/archive-team/id-b")
    assert log_in(server, "boris", PASSWORDS["boris"], RoleArn=team)[:2] == (403, "AccessDenied")
    status, code, message = log_in(server, "boris", PASSWORDS["boris"])
    assert (status, code) == (403, "AccessDenied") and "name writer" in message
    line = audit_line(server, lambda line: line["caller"] == "ldap:boris")
    assert "ldap:boris in the trust policy" in explained(server, line["request_id"])["missing"]


def test_sessions_last_as_long_as_was_asked_for_and_end_with_the_role(start):
    server = start()
    make_role(server, "reader", MaxSessionDuration=7200)
    _, _, result = log_in(server, "anna", PASSWORDS["anna"], DurationSeconds=900)
    expires = datetime.datetime.fromisoformat(result.find(f"{STS}Credentials/{STS}Expiration").text)
    left = expires - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(seconds=600) < left <= datetime.timedelta(seconds=901)
    for wrong in [7201, 899, "soon"]:
        assert log_in(server, "anna", PASSWORDS["anna"], DurationSeconds=wrong)[1] == "ValidationError", wrong
    s3 = client_for(server, "s3", **pair_of(result))
    assert s3.list_buckets()["Buckets"] == []
    status, _, cookie = sign_in(server, "anna", PASSWORDS["anna"])
    assert status == 200 and fetched(server, "/api/v1/session", cookie)[0] == 200
    iam = client_for(server, "iam")
    iam.delete_role_policy(RoleName="reader", PolicyName="own")
    iam.delete_role(RoleName="reader")
    with pytest.raises(s3.exceptions.ClientError):
        s3.list_buckets()
    assert fetched(server, "/api/v1/session", cookie)[0] == 401


def test_a_password_is_not_guessed_by_going_from_one_door_to_the_other(start):
    server = start()
    make_role(server, "reader")
    for attempt in range(10):
        assert log_in(server, "anna", f"guess {attempt}")[1] == "AccessDenied"
        assert sign_in(server, "Anna", f"guess {attempt}")[0] == 401
    status, code, message = log_in(server, "anna", PASSWORDS["anna"])
    assert (status, code) == (400, "Throttling") and "try again in" in message
    assert sign_in(server, "boris", PASSWORDS["boris"])[0] == 429, "the address has guessed too often, whomever it names"


def test_people_sign_in_to_the_console(start):
    server = start()
    make_role(server, "reader")
    assert fetched(server, "/api/v1/sso") == (200, {"providers": [], "ldap": True})
    status, session, cookie = sign_in(server, "anna", PASSWORDS["anna"])
    assert status == 200 and session["arn"].endswith(":assumed-role/reader/anna") and not session["is_root"] and session["csrf"]
    assert fetched(server, "/api/v1/session", cookie)[1]["arn"] == session["arn"]
    assert fetched(server, "/api/v1/accounts", cookie)[0] == 403
    status, told, cookie = sign_in(server, "anna", "another")
    assert (status, told["code"], cookie) == (401, "InvalidCredentials", "")
    status, told, cookie = sign_in(server, "boris", PASSWORDS["boris"])
    assert (status, told["code"], cookie) == (403, "AccessDenied", "") and "boris may take no role" in told["error"]


def test_a_directory_that_is_down_is_said_to_be_and_asked_again(start, directory):
    server = start()
    make_role(server, "reader")
    directory.stop()
    try:
        for _ in range(25):
            status, code, message = log_in(server, "anna", PASSWORDS["anna"])
            assert (status, code) == (503, "IDPCommunicationError") and "log of this server" in message
        assert sign_in(server, "anna", PASSWORDS["anna"])[0] == 503
        assert "Connection refused" in server.front.log()
    finally:
        directory.start()
    assert log_in(server, "anna", PASSWORDS["anna"])[0] == 200, "that was no guessing"


def test_a_server_that_is_not_trusted_or_lacks_tls_is_told_no_password(tmp_path, directory):
    server = with_directory(tmp_path, directory)
    server.front.arguments.remove("--tls-ca")
    server.front.arguments.remove(str(directory.authority))
    server.start()
    assert log_in(server, "anna", PASSWORDS["anna"])[1] == "IDPCommunicationError"
    server.stop()
    received = bytearray()

    def listen(listener):
        with listener, listener.accept()[0] as connection:
            received.extend(connection.recv(4096))
            # An extended response with result 2, protocolError: no StartTLS here.
            connection.sendall(bytes.fromhex("300c02010178070a010204000400"))
            received.extend(connection.recv(4096))

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=listen, args=(listener,))
    thread.start()
    server = with_directory(tmp_path, directory, url=f"ldap://127.0.0.1:{listener.getsockname()[1]}")
    server.start()
    assert log_in(server, "anna", PASSWORDS["anna"])[1] == "IDPCommunicationError"
    thread.join(timeout=30)
    server.stop()
    assert b"1.3.6.1.4.1.1466.20037" in received, "StartTLS"
    assert slapd.LOOKUP.encode() not in received and slapd.LOOKUP_PASSWORD.encode() not in received


def test_what_is_no_ldap_ends_a_login_and_nothing_else(tmp_path, directory):
    def listen(listener):
        with listener, listener.accept()[0] as connection:
            connection.recv(4096)
            # A bind that succeeds, then an entry that has no name.
            connection.sendall(bytes.fromhex("300c02010161070a010004000400"))
            connection.recv(4096)
            connection.sendall(bytes.fromhex("30050201026400"))
            connection.sendall(bytes.fromhex("300c02010265070a010004000400"))

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=listen, args=(listener,))
    thread.start()
    server = with_directory(tmp_path, directory, "--ldap-plain", url=f"ldap://127.0.0.1:{listener.getsockname()[1]}")
    server.start()
    assert log_in(server, "anna", PASSWORDS["anna"])[:2] == (503, "IDPCommunicationError")
    thread.join(timeout=30)
    assert client_for(server, "sts").get_caller_identity()["Arn"].endswith(":root")
    server.stop()


def test_without_a_directory_nobody_logs_in_by_one(tmp_path):
    server = topology.serve(tmp_path)
    server.start()
    status, code, message = log_in(server, "anna", PASSWORDS["anna"])
    assert (status, code) == (400, "InvalidAction") and "--ldap-url" in message
    assert sign_in(server, "anna", PASSWORDS["anna"])[0] == 404
    assert fetched(server, "/api/v1/sso")[1]["ldap"] is False
    server.stop()
