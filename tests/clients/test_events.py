"""Others are told of changes: every one, in order, also when they or the server were away."""

import json
import subprocess
import urllib.request

import botocore.exceptions
import pytest
from conftest import client_at
from test_post_form import form

import topology
from webhook import Webhook

ARN = "arn:holdfast:sqs::audit:webhook"
ALL = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*", "s3:LifecycleExpiration:*"]


@pytest.fixture
def webhook():
    webhook = Webhook().start()
    yield webhook
    webhook.stop()


@pytest.fixture(params=["serve", "cluster"])
def telling(request, tmp_path, webhook):
    """A server, or a cluster, with the webhook."""
    running = getattr(topology, request.param)(tmp_path)
    token = tmp_path / "token"
    token.write_text("a-token\n")
    running.front.arguments += ["--webhook", f"audit={webhook.url}", "--webhook-token-file", f"audit={token}"]
    running.front.arguments += ["--lifecycle-day", "1"]
    running.start()
    yield running
    running.stop()


@pytest.fixture
def s3(telling):
    return client_at(telling.endpoint)


def listen(s3, bucket, events=ALL, arn=ARN, **rule):
    rule = {"Id": "rule", "QueueArn": arn, "Events": events, **rule}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [rule]}
    )


def make(s3, bucket="photos", **rule):
    s3.create_bucket(Bucket=bucket)
    listen(s3, bucket, **rule)
    return bucket


def test_a_target_is_tested_and_told_of_every_change(telling, s3, webhook):
    bucket = make(s3)
    topology.wait_until(lambda: webhook.messages, "the test")
    test = webhook.messages[0]
    assert (test["Event"], test["Bucket"], test["Service"]) == ("s3:TestEvent", bucket, "Amazon S3")
    path, headers = webhook.headers[0]
    assert (path, headers["authorization"]) == ("/events?from=s3", "Bearer a-token")

    put = s3.put_object(Bucket=bucket, Key="a b/ü", Body=b"1234567")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a b/ü"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"part")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload=parts)
    s3.put_object_tagging(Bucket=bucket, Key="copy", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.delete_object_tagging(Bucket=bucket, Key="copy")
    s3.delete_object(Bucket=bucket, Key="copy")
    s3.delete_object(Bucket=bucket, Key="never there")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "parts"}]})

    records = webhook.wait_for(7)
    assert webhook.told() == [
        ("ObjectCreated:Put", "a+b/%C3%BC"),
        ("ObjectCreated:Copy", "copy"),
        ("ObjectCreated:CompleteMultipartUpload", "parts"),
        ("ObjectTagging:Put", "copy"),
        ("ObjectTagging:Delete", "copy"),
        ("ObjectRemoved:Delete", "copy"),
        ("ObjectRemoved:DeleteMarkerCreated", "parts"),
    ]
    first = records[0]
    answer = put["ResponseMetadata"]["HTTPHeaders"]
    assert first["responseElements"]["x-amz-request-id"] == answer["x-amz-request-id"]
    assert first["requestParameters"]["sourceIPAddress"] == "127.0.0.1"
    assert first["s3"]["configurationId"] == "rule"
    assert first["s3"]["bucket"]["arn"] == f"arn:aws:s3:::{bucket}"
    assert (first["s3"]["object"]["size"], first["s3"]["object"]["eTag"]) == (7, put["ETag"].strip('"'))
    assert records[-1]["s3"]["object"]["versionId"] == s3.list_object_versions(Bucket=bucket)["DeleteMarkers"][0]["VersionId"]
    sequencers = [record["s3"]["object"]["sequencer"] for record in records]
    assert sequencers == sorted(set(sequencers))


def test_only_what_the_filter_lets_through_is_told(s3, webhook):
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".jpg"}]
    bucket = make(s3, events=["s3:ObjectCreated:Put"], Filter={"Key": {"FilterRules": rules}})
    kept = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"][0]
    assert kept["QueueArn"] == ARN and len(kept["Filter"]["Key"]["FilterRules"]) == 2
    for key in ["in/a.png", "a.jpg", "in/a.jpg"]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    s3.copy_object(Bucket=bucket, Key="in/copy.jpg", CopySource=f"{bucket}/in/a.jpg")
    s3.put_object(Bucket=bucket, Key="in/last.jpg", Body=b"")
    webhook.wait_for(2)
    assert [key for _, key in webhook.told()] == ["in/a.jpg", "in/last.jpg"]


def test_what_happened_while_the_target_was_away_is_told_after_kill_9_and_in_order(telling, s3, webhook):
    bucket = make(s3)
    s3.put_object(Bucket=bucket, Key="before", Body=b"")
    webhook.wait_for(1)
    webhook.stop()
    expected = [("ObjectCreated:Put", "before")]
    for number in range(60):
        s3.put_object(Bucket=bucket, Key=f"key{number % 3}", Body=str(number).encode())
        expected.append(("ObjectCreated:Put", f"key{number % 3}"))
        if number == 30:
            telling.front.kill()
            telling.start_front()
    topology.wait_until(lambda: telling.metric("holdfast_events_failures_total") >= 1, "a failed delivery")
    assert telling.metric("holdfast_events_pending") == 60
    telling.front.kill()
    webhook.start()
    telling.start_front()
    webhook.wait_for(61)
    # At least once: what was sent twice is the same event, with the same sequencer.
    by_sequencer = {record["s3"]["object"]["sequencer"]: record for record in webhook.records()}
    told = [(by_sequencer[at]["eventName"], by_sequencer[at]["s3"]["object"]["key"]) for at in sorted(by_sequencer)]
    assert told == expected
    arrived = [record["s3"]["object"]["sequencer"] for record in webhook.records()]
    assert arrived == sorted(arrived)
    topology.wait_until(lambda: telling.metric("holdfast_events_pending") == 0, "nothing waits")


def test_a_message_that_is_refused_is_sent_again(telling, s3, webhook):
    bucket = make(s3)
    topology.wait_until(lambda: webhook.messages, "the test")
    webhook.refusing = True
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    topology.wait_until(lambda: telling.metric("holdfast_events_failures_total") >= 2, "two failures")
    webhook.refusing = False
    webhook.wait_for(1)
    topology.wait_until(lambda: telling.metric("holdfast_events_pending") == 0, "nothing waits")
    assert telling.metric("holdfast_events_delivered_total") == 2
    assert webhook.told() == [("ObjectCreated:Put", "a")]


def test_the_operator_sees_what_waits_and_why(telling, s3, webhook):
    bucket = make(s3)
    topology.wait_until(lambda: telling.metric("holdfast_events_delivered_total") == 1, "the test is delivered")
    webhook.stop()
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    topology.wait_until(lambda: telling.metric("holdfast_events_failures_total") >= 1, "a failure")
    command = [topology.program(), "admin", "events", "--console-address", telling.console]
    shown = subprocess.run(command, env=topology.environment(), capture_output=True, text=True, check=True).stdout
    assert ARN in shown and "failing" in shown, shown
    answer = subprocess.run([*command, "--json"], env=topology.environment(), capture_output=True, check=True).stdout
    target = json.loads(answer)["targets"][0]
    assert (target["arn"], target["pending"], target["delivered"], target["configured"]) == (ARN, 1, 1, True)
    assert target["endpoint"] == webhook.url and target["error"]


def test_a_target_that_nobody_configured_is_refused(s3):
    s3.create_bucket(Bucket="photos")
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        listen(s3, "photos", arn="arn:holdfast:sqs::other:webhook")
    error = refused.value.response["Error"]
    assert error["Code"] == "InvalidArgument"
    assert error["Message"] == "Unable to validate the following destination configurations"
    topic = {"TopicConfigurations": [{"TopicArn": ARN, "Events": ["s3:ObjectCreated:*"]}]}
    with pytest.raises(botocore.exceptions.ClientError):
        s3.put_bucket_notification_configuration(Bucket="photos", NotificationConfiguration=topic)
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket="photos")
    unchecked = {"QueueConfigurations": [{"QueueArn": "arn:aws:sqs:local:1:later", "Events": ["s3:ObjectCreated:*"]}]}
    s3.put_bucket_notification_configuration(
        Bucket="photos", NotificationConfiguration=unchecked, SkipDestinationValidation=True
    )


def test_lifecycle_rules_and_forms_are_told(s3, webhook):
    bucket = make(s3)
    presigned = s3.generate_presigned_post(Bucket=bucket, Key="logs/form")
    body, kind = form(presigned["fields"].items(), b"x")
    request = urllib.request.Request(presigned["url"], body, {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 204
    webhook.wait_for(1)
    rule = {"ID": "r", "Filter": {"Prefix": "logs/"}, "Status": "Enabled", "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    records = webhook.wait_for(2)
    assert webhook.told() == [("ObjectCreated:Post", "logs/form"), ("LifecycleExpiration:Delete", "logs/form")]
    assert records[1]["userIdentity"]["principalId"] == "s3.amazonaws.com"


def test_a_bucket_that_nobody_listens_to_leaves_nothing(telling, s3, webhook):
    bucket = make(s3)
    topology.wait_until(lambda: telling.metric("holdfast_events_delivered_total") == 1, "the test is delivered")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    s3.put_object(Bucket=bucket, Key="a", Body=b"")
    listen(s3, bucket)
    s3.put_object(Bucket=bucket, Key="b", Body=b"")
    webhook.wait_for(1)
    assert webhook.told() == [("ObjectCreated:Put", "b")]
