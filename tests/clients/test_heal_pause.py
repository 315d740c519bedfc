"""Healing is begun and held back by hand."""

import json

import pytest

import losses
import topology


@pytest.fixture
def drill(tmp_path):
    server = topology.serve(tmp_path)
    server.start()
    drill = losses.Drill(server)
    drill.write("object")
    yield drill
    drill.connection.close()
    server.stop()


def test_a_pause_holds_while_every_object_can_bear_another_loss(drill):
    server = drill.deployment
    pending = lambda: server.metric("holdfast_heals_pending")  # noqa: E731
    planned = server.admin("heal", "--pause", "60", "--dry-run")
    assert "could not bear another loss" in planned and heal(server)["state"] == "idle"
    server.admin("heal", "--pause", "60")
    topology.wait_until(lambda: heal(server)["state"] == "paused", "healing is paused")
    assert "60 more minutes" in heal(server)["detail"]

    losses.flip(server.folder / "drive2")
    server.admin("scrub", "--now", "--wait")
    lost = pending()
    assert lost > 0 and heal(server)["state"] == "paused"
    drill.check()
    assert pending() == lost

    losses.flip(server.folder / "drive3")
    server.admin("scrub", "--now", "--wait")
    topology.wait_until(lambda: pending() == 0, "objects without a spare shard are healed all the same")
    drill.wait_until_full()


def test_healing_goes_on_when_it_is_told_to(drill):
    server = drill.deployment
    server.admin("heal", "--pause", "60")
    losses.flip(server.folder / "drive2")
    server.admin("scrub", "--now", "--wait")
    assert server.metric("holdfast_heals_pending") > 0
    server.admin("heal", "--now", "--wait")
    drill.wait_until_full()
    assert heal(server)["state"] == "idle"
    drill.check()


def heal(server):
    return json.loads(server.admin("heal", "--json"))
