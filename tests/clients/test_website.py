"""Buckets as websites: what a browser gets, as on AWS's website endpoints."""

import http.client
import json

import botocore.exceptions
import pytest
from conftest import client_at

import topology

DOMAIN = "web.test"


@pytest.fixture(scope="module", params=["serve", "cluster"])
def site_server(request, tmp_path_factory):
    running = getattr(topology, request.param)(tmp_path_factory.mktemp(request.param))
    running.website = f"127.0.0.1:{topology.free_port()}"
    running.front.arguments += ["--website-address", running.website, "--website-domain", DOMAIN]
    running.start()
    yield running
    running.stop()


@pytest.fixture
def s3(site_server):
    return client_at(site_server.endpoint)


class Site:
    def __init__(self, server, s3, name):
        self.server, self.s3, self.name = server, s3, name
        s3.create_bucket(Bucket=name)
        # A visitor signs nothing. Who may list as well is told of a missing page by 404 and not by 403.
        everybody = {"Effect": "Allow", "Principal": "*"}
        read = everybody | {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
        look = everybody | {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{name}"}
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Statement": [read, look]}))

    def configure(self, **configuration):
        configuration = configuration or {"IndexDocument": {"Suffix": "index.html"}}
        self.s3.put_bucket_website(Bucket=self.name, WebsiteConfiguration=configuration)

    def put(self, key, text, **more):
        self.s3.put_object(Bucket=self.name, Key=key, Body=text.encode(), ContentType="text/html", **more)

    def get(self, path, method="GET", address=None, host=None, **headers):
        connection = http.client.HTTPConnection(address or self.server.website, timeout=30)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers={"Host": host or f"{self.name}.{DOMAIN}", **headers})
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        connection.close()
        return answer


@pytest.fixture
def site(site_server, s3, request):
    return Site(site_server, s3, request.node.name.split("[")[0].removeprefix("test_").replace("_", "-")[:40].strip("-"))


def test_index_documents_answer_for_folders(site):
    site.configure()
    site.put("index.html", "home")
    site.put("docs/index.html", "docs")
    site.put("a b.html", "page")
    assert site.get("/").text == "home"
    assert site.get("/docs/").text == "docs"
    page = site.get("/a%20b.html?versionId=anything")
    assert (page.status, page.text, page.headers["content-type"]) == (200, "page", "text/html")
    folder = site.get("/docs")
    assert (folder.status, folder.headers["location"]) == (302, "/docs/")
    head = site.get("/", method="HEAD")
    assert (head.status, head.text, head.headers["content-length"]) == (200, "", "4")
    assert site.get("/", Range="bytes=1-2").text == "om"
    assert site.get("/", If_None_Match=page.headers["etag"]).status == 200
    assert site.get("/", If_None_Match=head.headers["etag"]).status == 304


def test_sites_are_found_by_domain_on_every_address_and_by_their_own_name(site, site_server):
    site.configure()
    site.put("index.html", "home")
    assert site.get("/", address=site_server.address).text == "home"
    assert site.get("/", host=f"{site.name}:8080").text == "home"
    listing = site.get("/", address=site_server.address, host=f"{site.name}.{topology.DOMAIN}")
    assert "<ListBucketResult" in listing.text, "that is S3, not the site"
    missing = site.get("/", host=f"no-such-bucket.{DOMAIN}")
    assert (missing.status, missing.headers["x-amz-error-code"]) == (404, "NoSuchBucket")


def test_only_buckets_that_are_websites_are_served(site):
    site.put("index.html", "private")
    refused = site.get("/index.html")
    assert (refused.status, refused.headers["x-amz-error-code"]) == (404, "NoSuchWebsiteConfiguration")
    assert "private" not in refused.text
    site.configure()
    assert site.get("/").status == 200
    site.s3.delete_bucket_website(Bucket=site.name)
    assert site.get("/").status == 404


def test_errors_are_pages(site):
    site.configure()
    missing = site.get("/%3Cb%3E%22")
    assert (missing.status, missing.headers["x-amz-error-code"]) == (404, "NoSuchKey")
    assert missing.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>404 Not Found</title>" in missing.text and "<li>Code: NoSuchKey</li>" in missing.text
    assert "<li>Key: &lt;b&gt;&quot;</li>" in missing.text and "<b>" not in missing.text
    assert site.get("/x", method="HEAD").text == ""
    for method in ["PUT", "POST", "DELETE"]:
        refused = site.get("/x", method=method)
        assert (refused.status, refused.headers["x-amz-error-code"]) == (405, "MethodNotAllowed")
    site.put("a", "x")
    assert site.get("/a", Range="bytes=9-").status == 416


def test_the_error_document_stands_for_errors(site):
    site.configure(IndexDocument={"Suffix": "index.html"}, ErrorDocument={"Key": "error.html"})
    bare = site.get("/missing")
    assert bare.status == 404 and "Attempting to Retrieve a Custom Error Document" in bare.text
    site.put("error.html", "sorry")
    shown = site.get("/missing", Range="bytes=0-0")
    assert (shown.status, shown.text, shown.headers["content-type"]) == (404, "sorry", "text/html")
    assert site.get("/missing", method="HEAD").status == 404


def test_all_requests_are_redirected(site):
    site.configure(RedirectAllRequestsTo={"HostName": "example.com", "Protocol": "https"})
    answer = site.get("/a%20b?c=d")
    assert (answer.status, answer.headers["location"]) == (301, "https://example.com/a%20b?c=d")
    site.configure(RedirectAllRequestsTo={"HostName": "example.com"})
    assert site.get("/a").headers["location"] == "http://example.com/a"


def test_objects_redirect_their_readers(site):
    site.configure()
    site.put("old", "", WebsiteRedirectLocation="/new page")
    answer = site.get("/old")
    assert (answer.status, answer.headers["location"], answer.text) == (301, "/new page", "")
    assert site.s3.head_object(Bucket=site.name, Key="old")["WebsiteRedirectLocation"] == "/new page"
    with pytest.raises(botocore.exceptions.ClientError, match="InvalidRedirectLocation"):
        site.put("bad", "", WebsiteRedirectLocation="new")


def test_routing_rules_are_followed(site):
    rules = [
        {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}},
        {
            "Condition": {"KeyPrefixEquals": "old/", "HttpErrorCodeReturnedEquals": "404"},
            "Redirect": {"HostName": "old.example.com", "Protocol": "https", "HttpRedirectCode": "307"},
        },
        {"Condition": {"HttpErrorCodeReturnedEquals": "404"}, "Redirect": {"ReplaceKeyWith": "not found.html"}},
    ]
    site.configure(IndexDocument={"Suffix": "index.html"}, RoutingRules=rules)
    site.put("old/there", "there")
    host = f"{site.name}.{DOMAIN}"
    moved = site.get("/docs/a%20b")
    assert (moved.status, moved.headers["location"]) == (301, f"http://{host}/documents/a%20b")
    assert site.get("/old/there").text == "there"
    gone = site.get("/old/gone")
    assert (gone.status, gone.headers["location"]) == (307, "https://old.example.com/old/gone")
    other = site.get("/gone")
    assert (other.status, other.headers["location"]) == (301, f"http://{host}/not%20found.html")


def test_pages_of_other_sites_may_read_where_cors_says_so(site):
    site.configure()
    site.put("a", "x")
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["http://a.test"]}
    site.s3.put_bucket_cors(Bucket=site.name, CORSConfiguration={"CORSRules": [rule]})
    asked = {"Origin": "http://a.test", "Access-Control-Request-Method": "GET"}
    assert site.get("/a", method="OPTIONS", **asked).headers["access-control-allow-origin"] == "http://a.test"
    assert site.get("/a", Origin="http://a.test").headers["access-control-allow-origin"] == "http://a.test"


def test_a_visitor_sees_what_everybody_may_read_and_no_more(site):
    site.configure()
    site.put("index.html", "home")
    assert site.get("/").text == "home"
    site.s3.delete_bucket_policy(Bucket=site.name)
    refused = site.get("/")
    assert (refused.status, refused.headers["x-amz-error-code"]) == (403, "AccessDenied")
    assert "home" not in refused.text
