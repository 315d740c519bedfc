"""Drives of one process that hang: whatever asks them waits, and no call that waits can be ended."""

import contextlib

import pytest

import hanging
import losses
import topology

pytestmark = pytest.mark.skipif(hanging.why_not() is not None, reason=str(hanging.why_not()))


# The first drive has the metadata database; of four, two may hang.
@pytest.mark.parametrize("choice", [(0,), (0, 1), (3,)])
def test_drives_that_hang_hold_nothing_up_for_long_and_are_made_whole_when_they_go_on(choice, tmp_path):
    with contextlib.ExitStack() as drives:
        mounted = [drives.enter_context(hanging.HangingDrive(tmp_path, f"drive{number}")) for number in range(1, 5)]
        server = topology.serve(tmp_path)
        server.start()
        drives.callback(server.stop)
        drill = losses.Drill(server)
        drill.write("before")
        for number in choice:
            mounted[number].hang()
        drill.check()
        drill.write("meanwhile")
        drill.check()
        for number in choice:
            mounted[number].go_on()
        drill.wait_until_full()
        assert server.metric("holdfast_drive_up") == 4
        drill.check()
        drill.connection.close()
