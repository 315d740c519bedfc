"""The table of S3 operations names every operation that botocore knows."""

import pathlib
import re

import botocore.session

TABLE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "s3-api.md"


def test_the_table_names_every_operation_once():
    model = botocore.session.get_session().get_service_model("s3")
    rows = re.findall(r"^\| (\w+) \| `[A-Z]+ /", TABLE.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(model.operation_names)
