"""A cluster that loses as many nodes as its parity allows, in the middle of traffic, and gets them back."""

import os
import threading

from conftest import MIB, client_at, sha256

import topology

PARITY = 2


def test_killed_nodes_fail_no_request_and_are_healed_when_they_return(cluster, large_file, tmp_path):
    s3 = client_at(cluster.endpoint)
    s3.create_bucket(Bucket="bucket")
    small = {f"small/{number}": os.urandom(number * 997) for number in range(40)}
    for key, content in small.items():
        s3.put_object(Bucket="bucket", Key=key, Body=content)
    lost, kept = cluster.nodes[:PARITY], cluster.nodes[PARITY:]
    under_way, failures = threading.Event(), []

    def copy():
        try:
            s3.upload_file(str(large_file), "bucket", "large", Callback=lambda sent: under_way.set())
        except Exception as error:  # noqa: BLE001: whatever it is, the test reports it
            failures.append(error)
            under_way.set()

    copying = threading.Thread(target=copy)
    copying.start()
    under_way.wait()
    for node in lost:
        node.kill()
    copying.join()
    assert not failures, failures
    check(s3, small, large_file, tmp_path)
    for number in range(40, 50):
        small[f"small/{number}"] = os.urandom(MIB + number)
        s3.put_object(Bucket="bucket", Key=f"small/{number}", Body=small[f"small/{number}"])

    for node in lost:
        node.start()
    topology.wait_until(lambda: cluster.metric("holdfast_drive_up") == len(cluster.nodes), "all drives are up")
    topology.wait_until(lambda: cluster.metric("holdfast_heals_pending") == 0, "everything is healed")
    for node in kept:
        node.kill()
    check(s3, small, large_file, tmp_path)


def check(s3, small, large_file, tmp_path):
    for key, content in small.items():
        assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == content, key
    s3.download_file("bucket", "large", str(tmp_path / "back"))
    assert sha256(tmp_path / "back") == sha256(large_file)
    listed = s3.list_objects_v2(Bucket="bucket", Prefix="small/")["Contents"]
    assert {entry["Key"] for entry in listed} == set(small)
