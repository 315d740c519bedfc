"""HTTPS and HTTP/2: certificates, their change while the server runs, and the commands of this machine."""

import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import time

import pytest
import topology
from certificates import Authority, openssl, self_signed
from conftest import client_at, sha256
from test_doctor import doctor
from test_start import complaint

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def secured(tmp_path, authority):
    """A server with one certificate for localhost."""
    authority.issue(tmp_path / "server.crt", tmp_path / "server.key")
    server = topology.serve(tmp_path)
    server.over_tls(authority.certificate, "--tls-cert", "server.crt", "--tls-key", "server.key")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def by_name(tmp_path, authority):
    """A server with a folder of certificates."""
    certs = tmp_path / "certs"
    authority.issue(certs / "default.crt", certs / "default.key")
    authority.issue(certs / "wild.crt", certs / "wild.key", ["*.s3.test", "s3.test"], [])
    authority.issue(certs / "live" / "fullchain.pem", certs / "live" / "privkey.pem", ["other.test"], [])
    (tmp_path / "trusted.pem").write_bytes(authority.certificate.read_bytes())
    server = topology.serve(tmp_path).over_tls(authority.certificate, "--tls-folder", "certs")
    server.start()
    yield server
    server.stop()


def shown(server, name):
    """The certificate that a client is shown who asks for this name."""
    host, port = server.address.split(":")
    context = ssl.create_default_context()
    context.load_verify_locations(server.folder / "trusted.pem")
    context.check_hostname = False
    with socket.create_connection((host, int(port)), timeout=30) as plain:
        with context.wrap_socket(plain, server_hostname=name) as stream:
            return stream.getpeercert()


def names(server, name):
    return sorted(value for kind, value in shown(server, name)["subjectAltName"] if kind == "DNS")


def command(server, *arguments):
    """A command beside the server, which finds all else in its state folder."""
    return subprocess.run(
        [topology.program(), *arguments, "--state", ".holdfast"], cwd=server.folder, env=topology.environment(), capture_output=True, text=True, timeout=60
    )


def s3_over_tls(server, authority, **config):
    return client_at(server.endpoint, verify=str(authority.certificate), **config)


def curl(server, authority, *arguments):
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--cacert", str(authority.certificate), "--max-time", "60", *map(str, arguments)],
        capture_output=True, timeout=90,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def signed_url(server, authority, operation, **parameters):
    return s3_over_tls(server, authority).generate_presigned_url(operation, Params=parameters)


def test_boto3_moves_small_and_large_objects(secured, authority, tmp_path):
    s3 = s3_over_tls(secured, authority)
    s3.create_bucket(Bucket="tls")
    large = tmp_path / "large.bin"
    large.write_bytes(os.urandom(24 * MIB))
    s3.upload_file(str(large), "tls", "large")
    s3.download_file("tls", "large", str(tmp_path / "back"))
    assert sha256(tmp_path / "back") == sha256(large)
    s3.put_object(Bucket="tls", Key="small", Body=b"over tls")
    assert s3.get_object(Bucket="tls", Key="small")["Body"].read() == b"over tls"


def test_aws_cli_moves_files(secured, authority, tmp_path):
    environment = topology.environment() | {
        "AWS_ACCESS_KEY_ID": topology.ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": topology.SECRET_KEY, "AWS_REGION": topology.REGION,
        "AWS_ENDPOINT_URL": secured.endpoint, "AWS_CA_BUNDLE": str(authority.certificate), "AWS_EC2_METADATA_DISABLED": "true",
    }
    source = tmp_path / "source.bin"
    source.write_bytes(os.urandom(12 * MIB))
    aws = pathlib.Path(sys.executable).parent / "aws"
    for arguments in [["mb", "s3://cli"], ["cp", source, "s3://cli/a"], ["cp", "s3://cli/a", tmp_path / "back.bin"]]:
        subprocess.run([aws, "s3", *map(str, arguments)], env=environment, check=True, capture_output=True, timeout=120)
    assert sha256(tmp_path / "back.bin") == sha256(source)


def test_http2_is_agreed_on_and_serves_the_same_bytes(secured, authority, tmp_path):
    s3_over_tls(secured, authority).create_bucket(Bucket="http2")
    source = tmp_path / "source.bin"
    source.write_bytes(os.urandom(9 * MIB))
    put = signed_url(secured, authority, "put_object", Bucket="http2", Key="a b+c")
    get = signed_url(secured, authority, "get_object", Bucket="http2", Key="a b+c")
    version = ["--write-out", "%{http_version} %{http_code}", "--output"]
    assert curl(secured, authority, "--http2", *version, "/dev/null", "--upload-file", source, put) == b"2 200"
    assert curl(secured, authority, "--http2", *version, tmp_path / "back.bin", get) == b"2 200"
    assert sha256(tmp_path / "back.bin") == sha256(source)
    assert curl(secured, authority, "--http1.1", *version, tmp_path / "back.bin", get) == b"1.1 200"
    assert sha256(tmp_path / "back.bin") == sha256(source)


def test_one_http2_connection_carries_many_requests_at_once(secured, authority, tmp_path):
    s3 = s3_over_tls(secured, authority)
    s3.create_bucket(Bucket="many")
    arguments = []
    for number in range(100):
        s3.put_object(Bucket="many", Key=str(number), Body=bytes([number]) * 70_000)
        arguments += ["--output", tmp_path / f"many{number}", signed_url(secured, authority, "get_object", Bucket="many", Key=str(number))]
    curl(secured, authority, "--http2", "--parallel", "--parallel-max", 100, *arguments)
    for number in range(100):
        assert (tmp_path / f"many{number}").read_bytes() == bytes([number]) * 70_000


def test_http2_refuses_too_long_a_head_and_tells_errors_as_ever(secured, authority):
    status = ["--write-out", "%{http_version} %{http_code}"]
    answer = curl(secured, authority, "--http2", *status, f"{secured.endpoint}/nobody")
    assert b"NoSuchBucket" in answer and answer.endswith(b"2 404")
    long = ["--header", f"x-long: {'a' * 40000}"]
    assert curl(secured, authority, "--http2", *status, *long, f"{secured.endpoint}/nobody").endswith(b"2 431")


def test_head_over_http2_is_get_without_the_body(secured, authority):
    s3 = s3_over_tls(secured, authority)
    s3.create_bucket(Bucket="heads")
    s3.put_object(Bucket="heads", Key="k", Body=b"12345")
    url = signed_url(secured, authority, "head_object", Bucket="heads", Key="k")
    head = curl(secured, authority, "--http2", "--head", url).decode().lower()
    assert head.startswith("http/2 200") and "content-length: 5\r\n" in head


def test_the_console_speaks_tls_too(secured, authority):
    health = curl(secured, authority, f"https://{secured.console}/-/health/live")
    assert health == b"live\n"


def test_a_client_that_speaks_no_tls_gets_no_answer_and_does_no_harm(secured, authority):
    host, port = secured.address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as stream:
        stream.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert not stream.recv(100).startswith(b"HTTP/1.1 200")
    assert curl(secured, authority, f"{secured.endpoint}/-/health/live") == b"live\n"


def test_the_certificate_follows_the_name_asked_for(by_name):
    assert names(by_name, "photos.s3.test") == ["*.s3.test", "s3.test"]
    assert names(by_name, "s3.test") == ["*.s3.test", "s3.test"]
    assert names(by_name, "other.test") == ["other.test"]
    assert names(by_name, "OTHER.test") == ["other.test"]
    assert names(by_name, "a.b.s3.test") == ["localhost"], "a wildcard stands for one label"
    assert names(by_name, "unknown.test") == ["localhost"]


def test_buckets_as_host_names_work_over_tls(by_name, authority, tmp_path):
    s3 = s3_over_tls(by_name, authority)
    s3.create_bucket(Bucket="photos")
    s3.put_object(Bucket="photos", Key="k", Body=b"by host")
    host, port = by_name.address.split(":")
    url = client_at(f"https://s3.test:{port}", s3={"addressing_style": "virtual"}).generate_presigned_url(
        "get_object", Params={"Bucket": "photos", "Key": "k"}
    )
    assert url.startswith(f"https://photos.s3.test:{port}/")
    assert curl(by_name, authority, "--http2", "--resolve", f"photos.s3.test:{port}:{host}", url) == b"by host"


def test_new_certificates_are_shown_by_themselves_and_at_a_signal(by_name, authority):
    certs = by_name.folder / "certs"
    before = shown(by_name, "localhost")
    authority.issue(certs / "added.crt", certs / "added.key", ["added.test"], [])
    topology.wait_until(lambda: names(by_name, "added.test") == ["added.test"], "the new certificate is shown")
    authority.issue(certs / "second.crt", certs / "second.key", ["second.test"], [])
    by_name.front.child.send_signal(signal.SIGHUP)
    topology.wait_until(lambda: names(by_name, "second.test") == ["second.test"], "the signal is heard")
    assert shown(by_name, "localhost") == before


def test_a_bad_reload_keeps_the_old_certificates_and_is_logged(by_name, authority):
    certs = by_name.folder / "certs"
    (certs / "wild.crt").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    by_name.front.child.send_signal(signal.SIGHUP)
    topology.wait_until(lambda: "stay as they were" in by_name.front.log(), "the refusal is logged")
    assert "certs/wild.crt" in by_name.front.log()
    assert names(by_name, "photos.s3.test") == ["*.s3.test", "s3.test"]
    assert names(by_name, "other.test") == ["other.test"]
    authority.issue(certs / "wild.crt", certs / "wild.key", ["*.s3.test", "mended.test"], [])
    topology.wait_until(lambda: names(by_name, "mended.test") == ["*.s3.test", "mended.test"], "the mended one is shown")


def test_bad_certificates_are_refused_at_the_start_with_file_and_remedy(tmp_path, authority):
    authority.issue(tmp_path / "a.crt", tmp_path / "a.key")
    authority.issue(tmp_path / "b.crt", tmp_path / "b.key")
    (tmp_path / "text").write_text("no pem at all")
    (tmp_path / "damaged.crt").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    openssl("pkey", "-in", tmp_path / "a.key", "-aes256", "-passout", "pass:x", "-out", tmp_path / "locked.key")
    (tmp_path / "empty").mkdir()

    def refused(*flags):
        address = ["--address", f"127.0.0.1:{topology.free_port()}", "--console-address", "off"]
        return complaint(tmp_path, "serve", "never{1...4}", *address, *flags)

    def pair(certificate, key):
        return refused("--tls-cert", certificate, "--tls-key", key)

    for said, file, remedy in [
        (pair("gone.crt", "a.key"), "gone.crt", "check the path"),
        (pair("a.crt", "b.key"), "b.key", "the one it was made with"),
        (pair("text", "a.key"), "text", "BEGIN CERTIFICATE"),
        (pair("damaged.crt", "a.key"), "damaged.crt", "made anew"),
        (pair("a.crt", "text"), "text", "BEGIN PRIVATE KEY"),
        (pair("a.crt", "locked.key"), "locked.key", "openssl pkey"),
        (refused("--tls-cert", "a.crt"), "tls_key", "set both"),
        (refused("--tls-folder", "empty"), "empty", "NAME.crt"),
    ]:
        assert file in said and remedy in said, said
    (tmp_path / "empty" / "lonely.crt").write_text((tmp_path / "a.crt").read_text())
    assert "lonely.key" in refused("--tls-folder", "empty")
    assert not (tmp_path / "never1").exists(), "no drive was touched"


def test_commands_of_this_machine_reach_the_server_without_being_told(secured):
    assert command(secured, "health").stdout == "ready\n"
    status = command(secured, "admin", "status", "--json")
    assert status.returncode == 0, status.stderr
    assert json.loads(status.stdout)["health"]["drives_up"] == 4
    assert f"https://{secured.address}" in command(secured, "env").stdout


def test_a_self_signed_certificate_is_believed_on_its_own_machine(tmp_path):
    self_signed(tmp_path / "own.crt", tmp_path / "own.key")
    server = topology.serve(tmp_path).over_tls(tmp_path / "own.crt", "--tls-cert", "own.crt", "--tls-key", "own.key")
    server.trust.check_hostname = False
    server.start()
    try:
        assert command(server, "health").stdout == "ready\n"
        assert command(server, "admin", "status", "--json").returncode == 0
    finally:
        server.stop()


def test_the_admin_client_trusts_whom_it_is_told_to_and_no_one_else(secured, authority, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def status(*flags):
        return subprocess.run(
            [topology.program(), "admin", "status", "--json", "--console-address", f"https://localhost:{secured.console.split(':')[1]}", *flags],
            cwd=elsewhere, env=topology.environment(), capture_output=True, text=True, timeout=60,
        )

    told = status("--tls-ca", str(authority.certificate))
    assert told.returncode == 0, told.stderr
    untold = status()
    assert untold.returncode == 1 and "--tls-ca" in untold.stderr, untold.stderr
    stranger = Authority(elsewhere / "stranger")
    assert status("--tls-ca", str(stranger.certificate)).returncode == 1


def days_left(server):
    return (server.metric("holdfast_certificate_expiry_timestamp_seconds") - time.time()) / 86400


def test_doctor_and_metrics_tell_how_long_certificates_are_good(secured, authority):
    certificate = secured.folder / "server.crt"
    found = doctor(secured.folder, "drive{1...4}")
    assert found["ok", "address", secured.address] == "a Holdfast server answers"
    assert "localhost" in found["ok", "certificate", str(certificate)]
    authority.issue(certificate, secured.folder / "server.key", days=5)
    assert "expires in" in doctor(secured.folder, "drive{1...4}")["warn", "certificate", str(certificate)]
    secured.front.child.send_signal(signal.SIGHUP)
    topology.wait_until(lambda: 4 < days_left(secured) < 6, "the metrics tell of the new certificate")
    authority.issue(certificate, secured.folder / "server.key", days=0)
    expired = doctor(secured.folder, "drive{1...4}")["fail", "certificate", str(certificate)]
    assert "expired" in expired and "new one" in expired
