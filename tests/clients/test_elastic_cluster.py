"""A cluster of real processes that grows by a node, restarts with its old flags, and shrinks by another one."""

import json
import os
import threading

from conftest import client_at
from test_admin import ask

import topology

OLD_OBJECTS = 60


def one_more_node(cluster, name, *flags):
    node = topology.storage_node(cluster.folder, name, *flags)
    cluster.nodes.append(node)
    node.start()
    topology.wait_until(lambda: topology.takes_connections(node.address), f"{name} listens")
    return node


class Writer(threading.Thread):
    """Puts and reads objects until it is told to stop, and keeps what went wrong."""

    def __init__(self, endpoint):
        super().__init__()
        self.s3, self.contents, self.failures = client_at(endpoint), {}, []
        self.told = threading.Event()

    def run(self):
        number = 0
        while not self.told.is_set():
            key, content = f"new/{number}", os.urandom(5_000 + 997 * (number % 300))
            try:
                self.s3.put_object(Bucket="bucket", Key=key, Body=content)
                assert self.s3.get_object(Bucket="bucket", Key=key)["Body"].read() == content
            except Exception as error:  # noqa: BLE001: whatever it is, the test reports it
                self.failures.append(error)
            self.contents[key] = content
            number += 1

    def stop(self):
        self.told.set()
        self.join()
        assert not self.failures and self.contents, self.failures


def check(cluster, contents):
    s3 = client_at(cluster.endpoint)
    for key, content in contents.items():
        assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == content, key
    status = ask(cluster, "GET", "/api/v1/status")[2]
    redundancy = status["redundancy"]
    assert redundancy["full"]["objects"] == len(contents), redundancy
    assert status["pending_heals"] == 0 and status["health"]["status"] == "full_redundancy"
    return status


def slots_by_node(cluster):
    return {node["address"]: node["slots"] for node in ask(cluster, "GET", "/api/v1/nodes")[2]["nodes"]}


def test_a_node_joins_under_load_and_one_of_the_first_leaves(cluster):
    s3 = client_at(cluster.endpoint)
    s3.create_bucket(Bucket="bucket")
    contents = {f"old/{number}": os.urandom(20_000 + number) for number in range(OLD_OBJECTS)}
    for key, content in contents.items():
        s3.put_object(Bucket="bucket", Key=key, Body=content)
    first = cluster.nodes[0]
    refused = cluster.admin("node", "drain", first.address, "--dry-run", fails=True)
    assert "a stripe needs 4 drives" in refused
    fifth = one_more_node(cluster, "node5", "--zone", "annex")

    planned = cluster.admin("node", "add", fifth.address, "--dry-run")
    assert "Nothing was changed" in planned and fifth.address not in slots_by_node(cluster)
    writer = Writer(cluster.endpoint)
    writer.start()
    assert cluster.admin("node", "add", fifth.address, "--wait").endswith("Done.\n")
    writer.stop()
    contents |= writer.contents
    status = check(cluster, contents)
    assert status["redundancy"]["nodes_that_may_fail"] == 2
    table = cluster.admin("node", "list").splitlines()
    assert [row.split()[:2] for row in table if fifth.address in row] == [[fifth.address, "annex"]]
    drive = next(drive for drive in status["drives"] if drive["slot"] == 4)
    assert drive["node"] == fifth.address and drive["zone"] == "annex" and drive["held_bytes"] > 0

    # Neither the gateway nor the node is told anything new.
    cluster.front.terminate()
    fifth.kill()
    fifth.start()
    cluster.start_front()
    topology.wait_until(lambda: cluster.metric("holdfast_drive_up") == 5, "all five nodes are up")
    check(cluster, contents)

    writer = Writer(cluster.endpoint)
    writer.start()
    assert cluster.admin("node", "drain", first.address, "--wait").endswith("Done.\n")
    writer.stop()
    contents |= writer.contents
    assert first.address not in slots_by_node(cluster)
    first.kill()
    check(cluster, contents)
    cluster.front.terminate()
    cluster.start_front()
    assert set(slots_by_node(cluster)) == {node.address for node in cluster.nodes[1:]}
    check(cluster, contents)


def test_a_node_that_died_is_given_up_and_a_drive_is_named_by_its_path(cluster):
    s3 = client_at(cluster.endpoint)
    s3.create_bucket(Bucket="bucket")
    contents = {f"old/{number}": os.urandom(20_000 + number) for number in range(OLD_OBJECTS)}
    for key, content in contents.items():
        s3.put_object(Bucket="bucket", Key=key, Body=content)
    kept, lost = cluster.nodes[2], cluster.nodes[3]
    assert "works and holds shards" in cluster.admin("node", "remove", lost.address, fails=True)
    lost.kill()
    topology.wait_until(lambda: cluster.metric("holdfast_drive_up") == 3, "the gateway knows")
    refused = cluster.admin("node", "remove", lost.address, fails=True)
    assert "a stripe needs 4 drives and 3 others are up" in refused
    path = cluster.folder / "more" / "drive2"
    assert cluster.admin("drive", "add", f"{kept.address}:{path}", "--wait").endswith("Done.\n")
    assert cluster.admin("node", "remove", lost.address, "--wait").endswith("Done.\n")
    topology.wait_until(lambda: cluster.metric("holdfast_heals_pending") == 0, "everything is rebuilt")
    status = check(cluster, contents)
    assert len(status["drives"]) == 4 and slots_by_node(cluster)[kept.address] == [2, 4]
    assert "node" in cluster.admin("node", "remove", lost.address, fails=True)

    # The node's command line does not name the folder.
    kept.kill()
    kept.start()
    topology.wait_until(lambda: cluster.metric("holdfast_drive_up") == 4, "both drives of the node are back")
    topology.wait_until(lambda: cluster.metric("holdfast_heals_pending") == 0, "nothing is missing")


def test_what_cannot_join_is_told_in_a_sentence_and_a_status(cluster):
    def status_of(path, **body):
        status, _, said = ask(cluster, "POST", path, body=json.dumps(body))
        return status, said["error"]

    free = f"127.0.0.1:{topology.free_port()}"
    status, said = status_of("/api/v1/nodes", address=free)
    assert status == 503 and "cannot be reached" in said and "holdfast node" in said
    assert status_of("/api/v1/nodes", address="here")[0] == 400
    assert status_of("/api/v1/drives", location="/mnt/disk5")[0] == 400
    assert status_of(f"/api/v1/nodes/{free}/drain")[0] == 404
    stranger = one_more_node(cluster, "stranger", "--cluster-secret", "another-secret-of-another-cluster")
    status, said = status_of("/api/v1/nodes", address=stranger.address)
    assert status == 409 and "another cluster secret" in said and not (cluster.folder / "stranger" / "drive1").exists()
    status, said = status_of("/api/v1/nodes", address=cluster.nodes[0].address)
    assert status == 409 and "no blank drive" in said and "slot 0" in said
    # The node's address, not S3's.
    status, said = status_of("/api/v1/nodes", address=cluster.address)
    assert status in (409, 503) and cluster.address in said
