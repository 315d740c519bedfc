"""Libraries that keep tables in objects."""

import concurrent.futures
import urllib.parse

import pytest
import topology

ROWS = 50_000


@pytest.fixture
def options(server):
    """What the object stores of Rust and its kin read."""
    return {
        "aws_access_key_id": topology.ACCESS_KEY, "aws_secret_access_key": topology.SECRET_KEY, "aws_region": topology.REGION,
        "aws_endpoint_url": server.endpoint, "aws_allow_http": "true",
    }


@pytest.mark.client("pyarrow")
def test_pyarrow(client, server, bucket):
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.dataset
    import pyarrow.fs

    client.version(pyarrow.__version__)
    store = pyarrow.fs.S3FileSystem(
        access_key=topology.ACCESS_KEY, secret_key=topology.SECRET_KEY, region=topology.REGION, scheme="http", endpoint_override=server.address
    )
    table = pyarrow.table({"id": range(ROWS), "year": [2020 + row % 3 for row in range(ROWS)], "text": [f"row {row}" for row in range(ROWS)]})
    pyarrow.dataset.write_dataset(table, f"{bucket}/data", format="parquet", partitioning=["year"], partitioning_flavor="hive", filesystem=store)
    data = pyarrow.dataset.dataset(f"{bucket}/data", format="parquet", partitioning="hive", filesystem=store)
    assert data.to_table().sort_by("id").select(["id", "text"]).equals(table.select(["id", "text"]))
    assert data.count_rows(filter=pyarrow.dataset.field("year") == 2021) == len(range(1, ROWS, 3))
    client.does("datasets with `=` in their keys, ranges of Parquet files")
    with store.open_output_stream(f"{bucket}/large") as out:
        for _ in range(3):
            out.write(b"x" * (6 << 20))
    assert store.get_file_info(f"{bucket}/large").size == 18 << 20
    store.move(f"{bucket}/large", f"{bucket}/moved")
    store.delete_dir(f"{bucket}/data")
    client.does("streams by multipart upload, moves, removal of folders")


@pytest.mark.client("Polars")
def test_polars(client, options, bucket):
    polars = pytest.importorskip("polars")
    client.version(polars.__version__)
    frame = polars.DataFrame({"id": range(ROWS), "text": [f"row {row}" for row in range(ROWS)]})
    frame.write_parquet(f"s3://{bucket}/a b=1/frame.parquet", storage_options=options)
    lazy = polars.scan_parquet(f"s3://{bucket}/a b=1/*.parquet", storage_options=options, hive_partitioning=False)
    assert lazy.collect().equals(frame)
    assert lazy.filter(polars.col("id") > ROWS - 10).select("text").collect().height == 9
    client.does("Parquet written, scanned by pattern and in ranges")


def append(uri, options, writer):
    import deltalake
    import pyarrow

    rows = pyarrow.table({"writer": [writer] * 10, "row": list(range(10))})
    # By default a writer gives up after losing fifteen times.
    patient = deltalake.CommitProperties(max_commit_retries=100)
    deltalake.write_deltalake(uri, rows, mode="append", storage_options=options, commit_properties=patient)


@pytest.mark.client("deltalake")
def test_deltalake(client, options, bucket):
    deltalake = pytest.importorskip("deltalake")
    pytest.importorskip("pyarrow")
    client.version(deltalake.__version__)
    settings = options | {"conditional_put": "etag"}
    uri = f"s3://{bucket}/{urllib.parse.quote('table')}"
    append(uri, settings, -1)
    with concurrent.futures.ThreadPoolExecutor(8) as writers:
        for done in [writers.submit(append, uri, settings, number) for number in range(24)]:
            done.result()
    table = deltalake.DeltaTable(uri, storage_options=settings)
    rows = table.to_pyarrow_table()
    assert sorted(set(rows["writer"].to_pylist())) == list(range(-1, 24)) and rows.num_rows == 250
    assert table.version() == 24, "each commit has a number of its own"
    client.does("24 commits by 8 writers at once, decided by If-None-Match, none lost")
