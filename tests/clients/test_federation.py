"""People of an identity provider: a real OpenID Connect server, AssumeRoleWithWebIdentity by boto3, and signing in to the console by
authorization code."""

import base64
import contextlib
import http.client
import json
import urllib.parse
import urllib.request

import boto3
import botocore
import oidc_provider_mock
import pytest
import topology
from botocore.exceptions import ClientError
from conftest import client_at
from test_audit import explained
from test_audit import wait_for as audit_line

CLIENT = "holdfast-console"
ANNA = oidc_provider_mock.User(sub="anna", claims={"email": "anna@example.com", "roles": ["nobodys", "reader"], "team": "storage"})
CARLA = oidc_provider_mock.User(sub="carla", claims={"https://aws.amazon.com/source_identity": "carla@example.com"})
BORIS = oidc_provider_mock.User(sub="boris", claims={"email": "boris@example.com", "team": "sales"})


@pytest.fixture
def provider():
    """A provider on loopback; answers its URL."""
    with oidc_provider_mock.run_server_in_thread(user_claims=[ANNA, BORIS, CARLA]) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def server(tmp_path, provider):
    server = with_provider(tmp_path, provider)
    server.start()
    yield server
    server.stop()


def with_provider(folder, provider):
    (folder / "sso.secret").write_text("any\n")
    server = topology.serve(folder)
    server.front.arguments += ["--oidc", f"sso={provider}", "--oidc-client", f"sso={CLIENT}", "--oidc-secret-file", "sso=sso.secret"]
    return server


@pytest.fixture
def iam(server):
    return client_for(server, "iam")


def client_for(server, service, **pair):
    pair = pair or {"aws_access_key_id": topology.ACCESS_KEY, "aws_secret_access_key": topology.SECRET_KEY}
    return boto3.client(service, endpoint_url=server.endpoint, region_name=topology.REGION, **pair)


def unsigned_sts(server):
    return client_for(server, "sts", config=botocore.config.Config(signature_version=botocore.UNSIGNED))


@pytest.fixture
def role(server, iam, provider):
    """Makes a role for those of the provider who fulfil conditions; answers its ARN."""
    account = client_for(server, "sts").get_caller_identity()["Account"]
    place = provider.removeprefix("http://")

    def make(name, claims, actions=("s3:ListAllMyBuckets", "s3:ListBucket", "s3:GetObject"), trusted=None):
        principal = {"Federated": trusted or f"arn:aws:iam::{account}:oidc-provider/{place}"}
        equals = {f"{place}:{claim}": value for claim, value in claims.items()}
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringEquals": equals}}
        document = {"Version": "2012-10-17", "Statement": [trust]}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
        allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(allow))
        return arn

    return make


class StaysHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def opened(url, data=None, headers=None):
    """Status and headers, redirects not followed."""
    request = urllib.request.Request(url, data=data, headers=headers or {})
    try:
        with urllib.request.build_opener(StaysHere).open(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def logged_in(location, subject):
    """Where the provider sends a browser back to once somebody has logged in."""
    status, headers, _ = opened(location, data=urllib.parse.urlencode({"sub": subject}).encode())
    assert status == 302, location
    return headers["location"]


def token_of(provider, subject, client=CLIENT):
    """An ID token, as a program of the provider's gets it."""
    query = urllib.parse.urlencode({"response_type": "code", "client_id": client, "redirect_uri": "http://x/", "scope": "openid email", "nonce": "n"})
    back = logged_in(f"{provider}/oauth2/authorize?{query}", subject)
    code = urllib.parse.parse_qs(urllib.parse.urlparse(back).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "http://x/", "client_id": client, "client_secret": "any"}
    status, _, body = opened(f"{provider}/oauth2/token", data=urllib.parse.urlencode(form).encode())
    assert status == 200, body
    return json.loads(body)["id_token"]


def assume(server, arn, token, **more):
    arguments = {"RoleArn": arn, "RoleSessionName": "work", "WebIdentityToken": token, **more}
    return unsigned_sts(server).assume_role_with_web_identity(**arguments)


def code_of(call, *arguments, **more):
    with pytest.raises(ClientError) as refused:
        call(*arguments, **more)
    return refused.value.response["Error"]["Code"]


def test_a_token_of_the_provider_takes_a_role_that_trusts_it(server, provider, role):
    arn = role("reader", {"sub": "anna", "aud": CLIENT, "team": "storage"})
    answer = assume(server, arn, token_of(provider, "anna"), DurationSeconds=900)
    assert answer["SubjectFromWebIdentityToken"] == "anna" and answer["Audience"] == CLIENT
    assert answer["AssumedRoleUser"]["Arn"].endswith(":assumed-role/reader/work")
    made = answer["Credentials"]
    pair = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"], "aws_session_token": made["SessionToken"]}
    assert client_for(server, "sts", **pair).get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]
    s3 = client_for(server, "s3", **pair)
    assert s3.list_buckets()["Buckets"] == []
    assert code_of(s3.create_bucket, Bucket="not-allowed") == "AccessDenied"


def test_botocore_takes_the_role_by_itself_from_a_file_with_the_token(server, provider, role, tmp_path, monkeypatch):
    arn, file = role("reader", {"sub": "anna"}), tmp_path / "token"
    file.write_text(token_of(provider, "anna"))
    for name, value in [("ROLE_ARN", arn), ("WEB_IDENTITY_TOKEN_FILE", file), ("ENDPOINT_URL", server.endpoint), ("REGION", topology.REGION)]:
        monkeypatch.setenv(f"AWS_{name}", str(value))
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"]:
        monkeypatch.delenv(name, raising=False)
    session = boto3.Session(region_name=topology.REGION)
    assert session.get_credentials().method == "assume-role-with-web-identity"
    assert session.client("s3", endpoint_url=server.endpoint).list_buckets()["Buckets"] == []


def test_who_does_not_fulfil_the_conditions_takes_no_role(server, provider, role):
    arn = role("reader", {"sub": "anna"})
    elsewhere = role("elsewhere", {"sub": "boris"}, trusted="accounts.google.com")
    boris = token_of(provider, "boris")
    for refused in [arn, elsewhere, arn.replace("reader", "nobody")]:
        assert code_of(assume, server, refused, boris) == "AccessDenied", refused


def test_who_came_with_a_token_and_why_it_took_no_role_is_written_down(tmp_path, provider):
    server = with_provider(tmp_path, provider)
    server.front.arguments += ["--audit-file", "audit.jsonl"]
    server.start()
    try:
        account = client_for(server, "sts").get_caller_identity()["Account"]
        arn = f"arn:aws:iam::{account}:role/reader"
        place = provider.removeprefix("http://")
        trust = {"Effect": "Allow", "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{place}"}, "Action": "sts:AssumeRoleWithWebIdentity"}
        trust["Condition"] = {"StringEquals": {f"{place}:sub": "anna"}}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        client_for(server, "iam").create_role(RoleName="reader", AssumeRolePolicyDocument=document)
        assume(server, arn, token_of(provider, "anna"))
        with pytest.raises(ClientError) as denied:
            assume(server, arn, token_of(provider, "boris"))
        line = audit_line(server, lambda line: line["action"] == "AssumeRoleWithWebIdentity" and line["status"] == 200)
        assert (line["caller"], line["resource"]) == (f"{place}:anna", arn)
        request_id = denied.value.response["ResponseMetadata"]["RequestId"]
        line = audit_line(server, lambda line: line["request_id"] == request_id)
        assert line["caller"] == f"{place}:boris" and line["decision"] == "deny" and "trust policy" in line["missing"]
        why = explained(server, request_id)
        assert (why["action"], why["resource"]) == ("sts:AssumeRoleWithWebIdentity", arn) and f"{place}:boris" in why["missing"]
    finally:
        server.stop()


def test_a_policy_that_trusts_everybody_trusts_no_provider(server, provider, iam, role):
    arn = role("reader", {"sub": "anna"})
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRoleWithWebIdentity"}]}
    iam.update_assume_role_policy(RoleName="reader", PolicyDocument=json.dumps(document))
    assert code_of(assume, server, arn, token_of(provider, "anna")) == "AccessDenied"


def test_a_token_says_who_is_behind_the_session_where_the_role_lets_it(server, provider, iam, role):
    arn = role("reader", {"sub": "carla"})
    token = token_of(provider, "carla")
    assert code_of(assume, server, arn, token) == "AccessDenied"
    document = iam.get_role(RoleName="reader")["Role"]["AssumeRolePolicyDocument"]
    statement = document["Statement"][0]
    statement["Action"] = [statement["Action"], "sts:SetSourceIdentity"]
    statement["Condition"]["StringLike"] = {"sts:SourceIdentity": "*@example.com"}
    iam.update_assume_role_policy(RoleName="reader", PolicyDocument=json.dumps(document))
    assert assume(server, arn, token)["SourceIdentity"] == "carla@example.com"


def test_a_trust_policy_names_a_provider_that_is_there(server, provider, iam, role):
    role("reader", {"sub": "anna"})
    account, place = client_for(server, "sts").get_caller_identity()["Account"], provider.removeprefix("http://")

    def told(name):
        trust = {"Effect": "Allow", "Principal": {"Federated": name}, "Action": "sts:AssumeRoleWithWebIdentity"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        calls = [(iam.create_role, {"RoleName": "other", "AssumeRolePolicyDocument": document})]
        for call, arguments in [*calls, (iam.update_assume_role_policy, {"RoleName": "reader", "PolicyDocument": document})]:
            with pytest.raises(ClientError) as refused:
                call(**arguments)
            error = refused.value.response["Error"]
            assert error["Code"] == "MalformedPolicyDocument"
        return error["Message"]

    other = str(int(account) - 1).zfill(12)
    for arn in [f"arn:aws:iam::{account}:oidc-provider/{place}x", f"arn:aws:iam::{account}:saml-provider/a", f"arn:aws:iam::{account}:ldap-provider/ldap"]:
        assert told(arn) == f'Invalid principal in policy: "FEDERATED":"{arn}"'
    assert told(f"arn:aws:iam::{other}:oidc-provider/{place}").startswith("Invalid principal in policy")
    assert told(provider).startswith("Federated principals must be valid domain names")
    google = {"Effect": "Allow", "Principal": {"Federated": "accounts.google.com"}, "Action": "sts:AssumeRoleWithWebIdentity"}
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [google]}))


def test_iam_shows_the_providers_of_the_configuration(server, provider, iam):
    account, place = client_for(server, "sts").get_caller_identity()["Account"], provider.removeprefix("http://")
    arn = f"arn:aws:iam::{account}:oidc-provider/{place}"
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": arn}]
    shown = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (shown["Url"], shown["ClientIDList"]) == (place, [CLIENT])
    assert code_of(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn + "x") == "NoSuchEntity"
    assert iam.list_saml_providers()["SAMLProviderList"] == []
    assert iam.list_server_certificates()["ServerCertificateMetadataList"] == []
    assert code_of(iam.get_account_password_policy) == "NoSuchEntity"


def test_tokens_that_are_made_up_or_for_others_are_refused(server, provider, role):
    arn = role("reader", {"sub": "anna"})
    good = token_of(provider, "anna")
    head, claims, signature = good.split(".")
    other = {**json.loads(base64.urlsafe_b64decode(claims + "==")), "sub": "boris"}
    forged = base64.urlsafe_b64encode(json.dumps(other).encode()).decode().rstrip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    made_up = ["nonsense", f"{head}.{forged}.{signature}", f"{none}.{claims}.", f"{head}.{claims}.", good[:-6] + "AAAAAA"]
    for token in [*made_up, token_of(provider, "anna", client="another")]:
        assert code_of(assume, server, arn, token) == "InvalidIdentityToken", token
    with oidc_provider_mock.run_server_in_thread(user_claims=[ANNA]) as stranger:
        token = token_of(f"http://localhost:{stranger.server_port}", "anna")
    assert code_of(assume, server, arn, token) == "InvalidIdentityToken"


def test_keys_that_the_provider_changes_are_learned(tmp_path):
    port = topology.free_port()
    provider = f"http://localhost:{port}"
    server = with_provider(tmp_path, provider)
    server.start()
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(server.stop)

        def identified():
            """Whether a new token is believed: it is, where it is the role that is missing."""
            token = token_of(provider, "anna")
            return code_of(assume, server, "arn:aws:iam::000000000000:role/none", token) == "AccessDenied"

        for _ in range(2):
            with oidc_provider_mock.run_server_in_thread(port=port, user_claims=[ANNA]):
                topology.wait_until(identified, "the keys are known")


def browse(server, path, cookie=None):
    connection = http.client.HTTPConnection(server.console, timeout=30)
    connection.request("GET", path, headers={"cookie": cookie} if cookie else {})
    answer = connection.getresponse()
    cookies = dict(pair.split(";")[0].split("=", 1) for pair in answer.headers.get_all("set-cookie") or [])
    return answer.status, answer.headers, answer.read(), cookies


def begun(server):
    status, headers, _, cookies = browse(server, "/api/v1/sso/sso/start")
    assert status == 302
    return headers["location"], f"holdfast_sso={cookies['holdfast_sso']}"


def path_of(url):
    parts = urllib.parse.urlparse(url)
    return f"{parts.path}?{parts.query}"


def test_somebody_signs_in_to_the_console_with_the_first_role_that_is_theirs(server, provider, role):
    role("reader", {"sub": "anna", "aud": CLIENT})
    assert json.loads(browse(server, "/api/v1/sso")[2]) == {"providers": [{"id": "sso", "name": "sso"}], "ldap": False}
    location, away = begun(server)
    query = urllib.parse.parse_qs(urllib.parse.urlparse(location).query)
    assert query["code_challenge_method"] == ["S256"] and query["client_id"] == [CLIENT] and "openid" in query["scope"][0]
    back = path_of(logged_in(location, "anna"))
    status, headers, _, cookies = browse(server, back, away)
    assert (status, headers["location"]) == (302, "/") and cookies["holdfast_sso"] == ""
    session = f"holdfast_session={cookies['holdfast_session']}"
    described = json.loads(browse(server, "/api/v1/session", session)[2])
    assert described["arn"].endswith(":assumed-role/reader/anna@example.com") and not described["is_root"]
    assert browse(server, "/api/v1/s3/", session)[0] == 200
    assert browse(server, "/api/v1/accounts", session)[0] == 403


def test_who_may_take_no_role_is_told_so_and_not_signed_in(server, role):
    role("reader", {"sub": "anna"})
    location, away = begun(server)
    status, headers, _, cookies = browse(server, path_of(logged_in(location, "boris")), away)
    assert status == 302 and headers["location"].startswith("/?sso_error=boris%20may%20take%20no%20role")
    assert "holdfast_session" not in cookies


def test_a_code_is_good_only_in_the_browser_that_left_for_it(server, role):
    role("reader", {"sub": "anna"})
    location, away = begun(server)
    back = path_of(logged_in(location, "anna"))
    state = urllib.parse.parse_qs(urllib.parse.urlparse(back).query)["state"][0]
    _, of_another = begun(server)
    wrong = [(back, None), (back, of_another), (back, "holdfast_sso=x"), (back.replace(state, "x" * len(state)), away)]
    for path, cookie in wrong:
        status, headers, _, cookies = browse(server, path, cookie)
        assert status == 302 and "sso_error" in headers["location"] and "holdfast_session" not in cookies
    assert browse(server, back, away)[1]["location"] == "/"
    assert "sso_error" in browse(server, back, away)[1]["location"], "the provider takes a code once"
    assert browse(server, "/api/v1/sso/nobody/start")[0] == 404


def test_sessions_end_with_the_role(server, provider, iam, role):
    role("reader", {"sub": "anna"})
    location, away = begun(server)
    cookies = browse(server, path_of(logged_in(location, "anna")), away)[3]
    session = f"holdfast_session={cookies['holdfast_session']}"
    assert browse(server, "/api/v1/session", session)[0] == 200
    iam.delete_role_policy(RoleName="reader", PolicyName="own")
    iam.delete_role(RoleName="reader")
    assert browse(server, "/api/v1/session", session)[0] == 401
    assert client_at(server.endpoint).list_buckets()["Buckets"] == []
