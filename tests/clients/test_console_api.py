"""What a browser does at the console's address: signing in, and S3 and IAM without a secret in the page."""

import json
import urllib.parse

import pytest
import topology
from console import Browser, signed_in
from test_admin import ask
from test_iam import Keys, allow, deny, fresh, policy, root, user  # noqa: F401


@pytest.fixture
def browser(server):
    return signed_in(server)


def test_who_signs_in_learns_who_it_is_and_what_it_may_do(server, root, browser):
    session = browser.ask("GET", "/api/v1/session").json
    assert session["access_key"] == topology.ACCESS_KEY and session["is_root"] and session["user_name"] is None
    assert session["arn"].endswith(":root") and session["s3_url"] == server.endpoint and session["region"] == topology.REGION
    assert {"admin:Status", "admin:ChangeDrives"} <= set(session["allowed"])
    name, anna = user(root, allow(["admin:Status", "admin:ListDrives"]))
    session = signed_in(server, anna.access_key, anna.secret_key).session
    assert session["user_name"] == name and not session["is_root"]
    assert session["allowed"] == ["admin:Status", "admin:ListDrives"]


def test_a_wrong_pair_does_not_sign_in_and_no_browser_asks_for_one_in_a_window_of_its_own(server):
    browser = Browser(server)
    for pair in [(topology.ACCESS_KEY, "wrong"), ("nobody", topology.SECRET_KEY)]:
        answer = browser.sign_in(*pair)
        assert (answer.status, answer.code) == (401, "InvalidCredentials") and browser.cookie is None
        assert "basic" not in answer.headers["www-authenticate"].lower()
    answer = browser.ask("GET", "/api/v1/session")
    assert (answer.status, answer.code) == (401, "NotSignedIn")
    assert "basic" not in answer.headers["www-authenticate"].lower()
    for body, kind, status in [("{}", "application/json", 400), ("{", "application/json", 400), ("{}", "text/plain", 415)]:
        assert browser.ask("POST", "/api/v1/session", body, {"content-type": kind}).status == status


def test_a_cookie_that_was_made_up_or_touched_is_nobodys(server, browser):
    good = browser.cookie
    for bad in ["", "x", good[:-2], good[1:], "A" * 5000]:
        browser.cookie = bad
        assert browser.ask("GET", "/api/v1/session").status == 401
    browser.cookie = good
    assert browser.ask("GET", "/api/v1/session").status == 200


def test_signing_out_ends_the_session_for_every_copy_of_the_cookie(server, browser):
    copy = Browser(server)
    copy.cookie, copy.session = browser.cookie, browser.session
    renewed = browser.ask("POST", "/api/v1/session/renew")
    assert renewed.status == 200 and renewed.json["csrf"] == browser.session["csrf"] and browser.cookie != copy.cookie
    assert browser.ask("DELETE", "/api/v1/session").status == 204 and browser.cookie == ""
    assert copy.ask("GET", "/api/v1/session").status == 401


def test_every_change_by_cookie_shows_the_word_of_the_session(browser, bucket):
    for method, path in [
        ("PUT", f"/api/v1/s3/{bucket}/k"),
        ("DELETE", f"/api/v1/s3/{bucket}"),
        ("POST", "/api/v1/iam"),
        ("POST", "/api/v1/scrub"),
        ("POST", "/api/v1/session/renew"),
        ("DELETE", "/api/v1/session"),
    ]:
        for headers in [None, {"x-holdfast-csrf": "0" * 32}]:
            answer = browser.ask(method, path, "{}", headers, csrf=False)
            assert (answer.status, answer.code) == (403, "CsrfTokenMissing"), path
    assert browser.ask("GET", "/api/v1/session").status == 200


def test_pages_of_other_addresses_are_not_let_in_even_on_the_same_host(server, browser, bucket):
    """What is stored may be a page: it is served on the same host, whose cookies browsers send along."""
    for path in ["/api/v1/session", "/api/v1/status", f"/api/v1/s3/{bucket}"]:
        for site in ["same-site", "cross-site"]:
            answer = browser.ask("GET", path, headers={"sec-fetch-site": site})
            assert (answer.status, answer.code) == (403, "OtherOrigin")
        answer = browser.ask("GET", path, headers={"sec-fetch-site": "same-origin", "origin": server.endpoint})
        assert not any(name.lower().startswith("access-control-") for name in answer.headers)
    # A browser sends what it remembers of Basic authentication for any page.
    basic = {"authorization": "Basic dGVzdGFjY2Vzc2tleTp0ZXN0LXNlY3JldC1rZXktMDEyMzQ1Njc4OQ==", "origin": server.endpoint}
    answer = Browser(server).s3("PUT", f"/{bucket}/k", b"", basic)
    assert (answer.status, answer.code) == (403, "OtherOrigin")
    del basic["origin"]
    assert Browser(server).s3("PUT", f"/{bucket}/k", b"", basic).status == 200


def test_cors_rules_of_a_bucket_open_nothing_here(server, s3, browser, bucket):
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["*"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    answer = browser.s3("GET", f"/{bucket}", headers={"origin": "http://elsewhere"})
    assert answer.status == 200 and "access-control-allow-origin" not in answer.headers
    preflight = {"origin": "http://elsewhere", "access-control-request-method": "PUT"}
    answer = browser.s3("OPTIONS", f"/{bucket}/k", headers=preflight)
    assert answer.status == 405 and "access-control-allow-origin" not in answer.headers


def test_guessing_is_slowed_down(running):
    browser = Browser(running)
    for _ in range(30):
        answer = browser.sign_in(topology.ACCESS_KEY, "guess")
        if answer.status == 429:
            break
    assert answer.status == 429 and answer.code == "TooManyAttempts" and int(answer.headers["retry-after"]) > 0
    assert browser.sign_in().status == 429, "else whether a guess is right could be told"
    assert ask(running, "GET", "/api/v1/status")[0] == 429, "nor by another way"


def test_the_whole_of_s3_is_behind_the_bridge(server, s3, browser):
    bucket = fresh("bridge")
    assert browser.s3("PUT", f"/{bucket}").status == 200
    assert bucket in browser.s3("GET", "/").texts("Name")
    assert browser.s3("PUT", f"/{bucket}/dir/a%20b", b"body", {"content-type": "text/plain", "x-amz-meta-one": "1"}).status == 200
    found = s3.get_object(Bucket=bucket, Key="dir/a b")
    assert found["Body"].read() == b"body" and found["Metadata"] == {"one": "1"}
    upload, = browser.s3("POST", f"/{bucket}/large?uploads").texts("UploadId")
    parts = []
    for number, part in enumerate([b"x" * (5 << 20), b"y"], 1):
        answer = browser.s3("PUT", f"/{bucket}/large?partNumber={number}&uploadId={upload}", part)
        parts.append(f"<Part><PartNumber>{number}</PartNumber><ETag>{answer.headers['etag']}</ETag></Part>")
    document = f"<CompleteMultipartUpload>{''.join(parts)}</CompleteMultipartUpload>"
    assert browser.s3("POST", f"/{bucket}/large?uploadId={upload}", document).status == 200
    answer = browser.s3("GET", f"/{bucket}/large", headers={"range": "bytes=5242879-"})
    assert answer.status == 206 and answer.body == b"xy"
    listed = browser.s3("GET", f"/{bucket}?list-type=2&delimiter=%2F")
    assert listed.texts("Key") == ["large"] and "dir/" in listed.texts("Prefix")
    assert browser.s3("GET", f"/{bucket}/nothing").code == "NoSuchKey"
    assert browser.s3("DELETE", f"/{bucket}").code == "BucketNotEmpty"
    for key in ["large", "dir/a%20b"]:
        assert browser.s3("DELETE", f"/{bucket}/{key}").status == 204
    assert browser.s3("DELETE", f"/{bucket}").status == 204


def test_behind_the_bridge_policies_decide_as_for_a_signature(server, root, bucket):
    name, anna = user(root, allow("s3:*", [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]))
    browser = signed_in(server, anna.access_key, anna.secret_key)
    assert browser.s3("PUT", f"/{bucket}/k", b"1").status == 200
    refused = browser.s3("GET", "/")
    assert refused.code == "AccessDenied" and f"user/{name} is not authorized to perform: s3:ListAllMyBuckets" in refused.texts("Message")[0]
    for statement, denied in [
        (deny("s3:GetObject", Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}), True),
        (deny("s3:GetObject", Condition={"Bool": {"aws:SecureTransport": "false"}}), True),
        (deny("s3:GetObject", Condition={"StringNotEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}}), False),
        (deny("s3:GetObject", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), False),
    ]:
        root.iam.put_user_policy(UserName=name, PolicyName="not", PolicyDocument=policy(statement))
        assert browser.s3("GET", f"/{bucket}/k").status == (403 if denied else 200), statement


def test_a_session_ends_with_its_key_and_changes_with_the_policies_at_once(server, root, bucket):
    name, anna = user(root, allow("s3:*"))
    browser = signed_in(server, anna.access_key, anna.secret_key)
    assert browser.s3("GET", f"/{bucket}").status == 200
    root.iam.delete_user_policy(UserName=name, PolicyName="own")
    assert browser.s3("GET", f"/{bucket}").code == "AccessDenied"
    root.iam.update_access_key(UserName=name, AccessKeyId=anna.access_key, Status="Inactive")
    assert browser.s3("GET", f"/{bucket}").code == "NotSignedIn"
    root.iam.update_access_key(UserName=name, AccessKeyId=anna.access_key, Status="Active")
    assert browser.ask("GET", "/api/v1/session").status == 200
    root.iam.delete_access_key(UserName=name, AccessKeyId=anna.access_key)
    assert browser.ask("GET", "/api/v1/session").status == 401


def test_an_upload_that_is_refused_in_the_middle_is_told_so(server, root, bucket):
    name, anna = user(root, allow("s3:*"))
    browser = signed_in(server, anna.access_key, anna.secret_key)
    root.iam.delete_access_key(UserName=name, AccessKeyId=anna.access_key)
    answer = browser.s3("PUT", f"/{bucket}/k", b"x" * (8 << 20))
    assert (answer.status, answer.code) == (401, "NotSignedIn")


def test_iam_and_sts_are_behind_the_bridge_too(server, root, browser):
    name = fresh("made")
    assert browser.iam("CreateUser", UserName=name).texts("UserName") == [name]
    assert name in [row["UserName"] for row in root.iam.list_users()["Users"]]
    assert browser.iam("CreateUser", UserName=name).code == "EntityAlreadyExists"
    assert browser.iam("GetCallerIdentity", "2011-06-15").texts("Arn") == [browser.session["arn"]]
    arn = f"arn:aws:iam::{browser.session['account']['id']}:user/{name}"
    asked = {"PolicySourceArn": arn, "ActionNames.member.1": "s3:GetObject"}
    assert browser.iam("SimulatePrincipalPolicy", **asked).texts("EvalDecision") == ["implicitDeny"]
    _, nobody = user(root)
    assert signed_in(server, nobody.access_key, nobody.secret_key).iam("ListUsers").code == "AccessDenied"


def test_nothing_changes_by_get_which_any_page_can_have_a_browser_send(root, browser):
    name = fresh("forged")
    query = urllib.parse.urlencode({"Action": "CreateUser", "UserName": name, "Version": "2010-05-08"})
    for method in ["GET", "HEAD", "PUT"]:
        answer = browser.ask(method, f"/api/v1/iam?{query}")
        assert (answer.status, answer.headers["allow"]) == (405, "POST"), method
        assert browser.s3(method, f"/?{query}").status in (200, 405), "S3 knows no such parameters"
    assert name not in [row["UserName"] for row in root.iam.list_users()["Users"]]


def test_a_cookie_that_another_page_of_the_host_sets_beside_ours_is_not_taken_for_it(server, root, browser):
    _, other = user(root, allow("*"))
    planted = signed_in(server, other.access_key, other.secret_key).cookie
    for pairs in [f"{planted}; holdfast_session={browser.cookie}", f"{browser.cookie}; holdfast_session={planted}"]:
        answer = Browser(server).ask("GET", "/api/v1/session", headers={"cookie": f"holdfast_session={pairs}"})
        assert (answer.status, answer.code) == (403, "SeveralSignIns")
    twice = f"holdfast_session={browser.cookie}; holdfast_session=made-up; holdfast_session={browser.cookie}"
    assert Browser(server).ask("GET", "/api/v1/session", headers={"cookie": twice}).json["arn"] == browser.session["arn"]


def test_the_admin_api_asks_policies_for_each_operation(server, root):
    _, anna = user(root, allow(["admin:ListDrives", "admin:Scrub"]), deny("admin:Scrub", Condition={"IpAddress": {"aws:SourceIp": "127.0.0.1"}}))
    browser = signed_in(server, anna.access_key, anna.secret_key)
    pair = f"{anna.access_key}:{anna.secret_key}"
    assert browser.ask("GET", "/api/v1/drives").status == 200 and ask(server, "GET", "/api/v1/drives", pair=pair)[0] == 200
    for method, path, action in [
        ("GET", "/api/v1/status", "admin:Status"),
        ("GET", "/api/v1/accounts", "admin:ListAccounts"),
        ("POST", "/api/v1/drives", "admin:ChangeDrives"),
        ("POST", "/api/v1/scrub", "admin:Scrub"),
    ]:
        answer = browser.ask(method, path, "{}", {"content-type": "application/json"})
        assert answer.status == 403 and answer.code == "AccessDenied" and action in answer.json["error"]
        status, _, said = ask(server, method, path, body="{}", pair=pair)
        assert status == 403 and action in said["error"]


def test_canned_policies_open_the_admin_api(server, root):
    name, anna = user(root)
    browser = signed_in(server, anna.access_key, anna.secret_key)
    assert browser.ask("GET", "/api/v1/status").status == 403
    for canned, changes in [("diagnostics", False), ("consoleAdmin", True)]:
        arn = f"arn:aws:iam::aws:policy/{canned}"
        root.iam.attach_user_policy(UserName=name, PolicyArn=arn)
        assert browser.ask("GET", "/api/v1/status").status == 200
        assert browser.ask("POST", "/api/v1/rebalance", {"dry_run": True}).status == (200 if changes else 403)
        root.iam.detach_user_policy(UserName=name, PolicyArn=arn)


def test_the_admin_api_is_not_for_other_accounts(server):
    made = ask(server, "POST", "/api/v1/accounts", body=json.dumps({"name": fresh("team")}))[2]
    other = Keys(server, made["access_key"], made["secret_key"])
    _, theirs = user(other, allow("*"))
    for keys in [other, theirs]:
        browser = signed_in(server, keys.access_key, keys.secret_key)
        assert browser.session["allowed"] == [] and not browser.session["is_root"]
        assert browser.ask("GET", "/api/v1/status").status == 403
        assert browser.s3("GET", "/").status == 200, "S3 is"


HOSTILE = b"<script>alert(document.domain)</script>"


def test_what_is_stored_is_inert_in_a_browser_that_is_signed_in(s3, browser, bucket):
    for kind in ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript", "application/x-own"]:
        s3.put_object(Bucket=bucket, Key="page", Body=HOSTILE, ContentType=kind, ContentDisposition="inline; filename=x.html")
        for query in ["", "?x-holdfast-inline=1", "?response-content-type=text%2Fhtml&x-holdfast-inline=1"]:
            answer = browser.s3("GET", f"/{bucket}/page{query}")
            assert answer.status == 200 and answer.body == HOSTILE
            assert answer.headers["content-type"] in ("text/plain; charset=utf-8", "application/octet-stream")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'; img-src 'self' data:; ")
            shows = answer.headers["content-disposition"] == "inline"
            assert shows == ("inline" in query and answer.headers["content-type"].startswith("text/plain"))
    s3.put_object(Bucket=bucket, Key="photo", Body=b"\x89PNG", ContentType="image/png")
    answer = browser.s3("GET", f"/{bucket}/photo?x-holdfast-inline=1")
    assert (answer.headers["content-type"], answer.headers["content-disposition"]) == ("image/png", "inline")
    s3.put_object(Bucket=bucket, Key="paper", Body=b"%PDF-", ContentType="application/pdf")
    answer = browser.s3("GET", f"/{bucket}/paper?x-holdfast-inline=1")
    assert answer.headers["content-type"] == "application/pdf" and answer.headers["content-security-policy"].startswith("default-src 'none'; object-src 'self'")
    assert browser.s3("GET", f"/{bucket}/photo").headers["content-disposition"] == "attachment"
    assert browser.s3("HEAD", f"/{bucket}/page").headers["content-type"] == "application/x-own", "what is stored can be told"
