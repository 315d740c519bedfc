"""The documents that configure a bucket, as boto3 writes and reads them."""

import datetime

import pytest
from botocore.exceptions import ClientError

TAG = {"Key": "team", "Value": "storage"}
MIDNIGHT = datetime.datetime(2031, 5, 1, tzinfo=datetime.timezone.utc)

# Operation, the argument that is the document, and documents that come back as they are.
DOCUMENTS = [
    (
        "bucket_cors",
        "CORSConfiguration",
        {"CORSRules": [{"ID": "a", "AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 5}]},
    ),
    (
        "bucket_lifecycle_configuration",
        "LifecycleConfiguration",
        {
            "Rules": [
                {"ID": "all", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 1}},
                {"ID": "date", "Filter": {"Tag": TAG}, "Status": "Disabled", "Expiration": {"Date": MIDNIGHT}},
                {
                    "ID": "many",
                    "Filter": {"And": {"Prefix": "a & b", "Tags": [TAG], "ObjectSizeGreaterThan": 1 << 40}},
                    "Status": "Enabled",
                    "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}],
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2},
                },
                {
                    "ID": "uploads",
                    "Prefix": "old",
                    "Status": "Enabled",
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
                },
            ]
        },
    ),
    (
        "bucket_website",
        "WebsiteConfiguration",
        {
            "IndexDocument": {"Suffix": "index.html"},
            "ErrorDocument": {"Key": "error.html"},
            "RoutingRules": [{"Condition": {"KeyPrefixEquals": "a/"}, "Redirect": {"ReplaceKeyPrefixWith": "b/"}}],
        },
    ),
    (
        "bucket_notification_configuration",
        "NotificationConfiguration",
        {"EventBridgeConfiguration": {}},
    ),
    (
        "bucket_encryption",
        "ServerSideEncryptionConfiguration",
        {
            "Rules": [
                {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False},
            ]
        },
    ),
    ("bucket_tagging", "Tagging", {"TagSet": [TAG]}),
    ("bucket_request_payment", "RequestPaymentConfiguration", {"Payer": "Requester"}),
    ("bucket_accelerate_configuration", "AccelerateConfiguration", {"Status": "Enabled"}),
]


def contained(part, whole):
    """True if all of `part` is in `whole`, which may have more beside it."""
    if isinstance(part, dict):
        return all(name in whole and contained(value, whole[name]) for name, value in part.items())
    return part == whole


@pytest.mark.parametrize(("operation", "argument", "document"), DOCUMENTS, ids=[row[0] for row in DOCUMENTS])
def test_what_boto3_puts_it_gets(s3, bucket, operation, argument, document):
    getattr(s3, f"put_{operation}")(Bucket=bucket, **{argument: document})
    answer = getattr(s3, f"get_{operation}")(Bucket=bucket)
    answer.pop("ResponseMetadata")
    assert contained(document, answer.get(argument, answer)), answer


def test_configurations_are_listed_by_id(s3, bucket):
    for number in range(3):
        configuration = {"Id": f"metrics-{number}", "Filter": {"Prefix": f"{number}/"}}
        s3.put_bucket_metrics_configuration(Bucket=bucket, Id=configuration["Id"], MetricsConfiguration=configuration)
    s3.delete_bucket_metrics_configuration(Bucket=bucket, Id="metrics-1")
    listed = s3.list_bucket_metrics_configurations(Bucket=bucket)["MetricsConfigurationList"]
    assert [entry["Id"] for entry in listed] == ["metrics-0", "metrics-2"]
    with pytest.raises(ClientError, match="NoSuchConfiguration"):
        s3.get_bucket_metrics_configuration(Bucket=bucket, Id="metrics-1")
