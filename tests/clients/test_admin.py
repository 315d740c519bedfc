"""The admin API and its client, against one process and against a cluster."""

import base64
import http.client
import json

import topology


def ask(server, method, path, body=None, pair=f"{topology.ACCESS_KEY}:{topology.SECRET_KEY}", kind="application/json"):
    """Status, headers and body of one request to the console address."""
    connection = http.client.HTTPConnection(server.console, timeout=60)
    headers = {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()} if pair else {}
    if kind and body is not None:
        headers["content-type"] = kind
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    return answer.status, answer.headers, json.loads(said) if said else None


def test_everything_under_api_is_for_root(server):
    for path in ["/api/v1/status", "/api/v1/drives", "/api/v1/nothing"]:
        for pair in [None, f"{topology.ACCESS_KEY}:wrong"]:
            status, headers, said = ask(server, "GET", path, pair=pair)
            assert status == 401 and headers["www-authenticate"].startswith("Basic") and "root" in said["error"]
    assert ask(server, "GET", "/api/v1/status")[0] == 200
    assert ask(server, "GET", "/api/v1/nothing")[0] == 404
    status, headers, _ = ask(server, "DELETE", "/api/v1/drives")
    assert status == 405 and headers["allow"] == "GET, HEAD, POST"


def test_a_page_of_another_site_cannot_change_anything(server):
    for kind in [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]:
        status, headers, said = ask(server, "POST", "/api/v1/rebalance", body='{"dry_run": true}', kind=kind)
        assert status == 415 and "application/json" in said["error"]
        assert not any(name.lower().startswith("access-control-") for name in headers)
    assert ask(server, "OPTIONS", "/api/v1/rebalance")[0] == 405


def test_a_body_that_is_too_long_or_not_understood_is_refused(server):
    assert ask(server, "POST", "/api/v1/drives", body=" " * (64 * 1024 + 1))[0] == 413
    for body in ["", "{", '{"place": "d"}', '{"location": "d", "dryrun": true}']:
        status, _, said = ask(server, "POST", "/api/v1/drives", body=body)
        assert status == 400 and said["error"], body
    assert ask(server, "POST", "/api/v1/drives/x/drain", body="{}")[0] == 400
    assert ask(server, "POST", "/api/v1/drives/0/replace", body="{}")[0] == 400
