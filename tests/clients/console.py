"""A browser's side of the console's address: a cookie, the word that goes with each change, and no secret."""

import http.client
import json
import urllib.parse
import xml.etree.ElementTree as xml

import topology


class Answer:
    """What came back."""

    def __init__(self, answer):
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The code of an error, whether that is JSON or XML."""
        if self.headers["content-type"].startswith("application/json"):
            return self.json["code"]
        return next(node.text for node in xml.fromstring(self.body).iter() if node.tag.split("}")[-1] == "Code")

    def texts(self, tag):
        """The texts of all elements of this name."""
        return [node.text for node in xml.fromstring(self.body).iter() if node.tag.split("}")[-1] == tag]


class Browser:
    """Somebody at the console."""

    def __init__(self, server):
        self.server, self.cookie, self.session = server, None, None

    def ask(self, method, path, body=None, headers=None, csrf=True):
        connection = http.client.HTTPConnection(self.server.console, timeout=60)
        all_headers = {}
        if self.cookie:
            all_headers["cookie"] = f"theme=dark; holdfast_session={self.cookie}"
        if csrf and self.session and method not in ("GET", "HEAD"):
            all_headers["x-holdfast-csrf"] = self.session["csrf"]
        if isinstance(body, dict):
            body, all_headers["content-type"] = json.dumps(body), "application/json"
        connection.request(method, path, body=body, headers=all_headers | (headers or {}))
        answer = Answer(connection.getresponse())
        connection.close()
        for line in answer.headers.get_all("set-cookie") or []:
            name, _, rest = line.partition("=")
            assert name == "holdfast_session" and "; HttpOnly; SameSite=Strict; Path=/" in rest
            self.cookie = rest.split(";")[0]
        return answer

    def sign_in(self, access_key=topology.ACCESS_KEY, secret_key=topology.SECRET_KEY):
        answer = self.ask("POST", "/api/v1/session", {"access_key": access_key, "secret_key": secret_key})
        if answer.status == 200:
            self.session = answer.json
        return answer

    def s3(self, method, path, body=None, headers=None):
        return self.ask(method, f"/api/v1/s3{path}", body, headers)

    def iam(self, action, version="2010-05-08", **parameters):
        form = urllib.parse.urlencode({"Action": action, "Version": version, **parameters})
        return self.ask("POST", "/api/v1/iam", form, {"content-type": "application/x-www-form-urlencoded"})


def signed_in(server, access_key=topology.ACCESS_KEY, secret_key=topology.SECRET_KEY):
    browser = Browser(server)
    answer = browser.sign_in(access_key, secret_key)
    assert answer.status == 200, answer.body
    return browser
