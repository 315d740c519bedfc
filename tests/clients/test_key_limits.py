"""What each access key may ask for at most."""

import http.client

import boto3
import pytest
import topology
from botocore.exceptions import ClientError
from test_iam import Keys, allow, user


@pytest.fixture
def limited(tmp_path, request):
    server = topology.serve(tmp_path)
    server.front.arguments += request.param
    server.start()
    yield server
    server.stop()


def outcome(keys, **arguments):
    try:
        keys.head_bucket(Bucket="bucket")
        return 200
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("limited", [["--key-requests-per-second", "5"]], indirect=True)
def test_a_key_that_asks_too_often_is_slowed_down_and_no_other_one(limited):
    root = Keys(limited, topology.ACCESS_KEY, topology.SECRET_KEY)
    root.s3.create_bucket(Bucket="bucket")
    _, anna = user(root, allow("s3:*"))
    once = anna.client("s3", config=boto3.session.Config(retries={"total_max_attempts": 1}))
    answers = [outcome(once) for _ in range(40)]
    assert answers[0] == 200 and 503 in answers
    with pytest.raises(ClientError) as slowed:
        for _ in range(40):
            once.list_objects_v2(Bucket="bucket")
    assert slowed.value.response["Error"]["Code"] == "SlowDown"
    assert slowed.value.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"
    topology.wait_until(lambda: outcome(once) == 200, "a request that is let in again")
    assert "s3 request failed" not in limited.front.log(), "nobody has to look at what a client does to itself"
    # An SDK that tries again goes on by itself.
    patient = anna.client("s3", config=boto3.session.Config(retries={"total_max_attempts": 12, "mode": "standard"}))
    for _ in range(10):
        patient.head_bucket(Bucket="bucket")


@pytest.mark.parametrize("limited", [["--key-requests-at-once", "2"]], indirect=True)
def test_a_key_has_so_many_requests_under_way_until_their_answers_have_ended(limited):
    root = Keys(limited, topology.ACCESS_KEY, topology.SECRET_KEY)
    root.s3.create_bucket(Bucket="bucket")
    _, anna = user(root, allow("s3:*"))
    root.s3.put_object(Bucket="bucket", Key="large", Body=b"x" * (40 << 20))
    link = anna.s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "large"})
    path = link.split(limited.address, 1)[1]
    # Answers that nobody reads are under way.
    waiting = []
    for _ in range(2):
        connection = http.client.HTTPConnection(limited.address, timeout=60)
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200
        waiting.append((connection, answer))
    once = anna.client("s3", config=boto3.session.Config(retries={"total_max_attempts": 1}))
    assert outcome(once) == 503
    assert len(waiting[0][1].read()) == 40 << 20
    topology.wait_until(lambda: outcome(once) == 200, "the end of the answer that was read")
    waiting[1][0].close()
    for connection, _ in waiting:
        connection.close()


def test_limits_that_are_none_end_the_start(tmp_path):
    for flag in ["--key-requests-per-second", "--key-requests-at-once"]:
        server = topology.serve(tmp_path)
        server.front.arguments += [flag, "0"]
        server.front.start()
        topology.wait_until(lambda: not server.front.alive(), "the end of the start")
        assert "1 at least" in server.front.log()
