"""Checksums of the parts of an object, through boto3, which verifies what it is told of a part."""

import base64
import hashlib
import os
import zlib

import pytest
import xxhash
from test_boto3 import refused

MIB = 1024 * 1024


def crc32(content):
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


def sha256(content):
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def of(digest):
    return lambda content: base64.b64encode(digest(content)).decode()


LATER = {
    "SHA512": of(lambda content: hashlib.sha512(content).digest()),
    "MD5": of(lambda content: hashlib.md5(content).digest()),
    "XXHASH64": of(xxhash.xxh64_digest),
    "XXHASH3": of(xxhash.xxh3_64_digest),
    "XXHASH128": of(xxhash.xxh3_128_digest),
}


@pytest.mark.parametrize("algorithm", LATER)
def test_every_algorithm_is_held_against_the_bytes_and_told_of(s3, bucket, algorithm):
    name, content = f"Checksum{algorithm}", os.urandom(100_000)
    value = LATER[algorithm](content)
    assert s3.put_object(Bucket=bucket, Key="k", Body=content, **{name: value})[name] == value
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head[name], head["ChecksumType"]) == (value, "FULL_OBJECT")
    (listed,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert (listed["ChecksumAlgorithm"], listed["StorageClass"]) == ([algorithm], "STANDARD")
    wrong = LATER[algorithm](b"other")
    refused("BadDigest", 400, s3.put_object, Bucket=bucket, Key="k", Body=content, **{name: wrong})
    refused("InvalidRequest", 400, s3.put_object, Bucket=bucket, Key="k", Body=content, **{name: "AAAA"})

    copy = s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k", ChecksumAlgorithm=algorithm)
    assert copy["CopyObjectResult"][name] == value


@pytest.mark.parametrize("algorithm", LATER)
def test_an_object_of_parts_has_the_checksum_of_theirs(s3, bucket, algorithm):
    value, name, bodies = LATER[algorithm], f"Checksum{algorithm}", [os.urandom(5 * MIB), os.urandom(1000)]
    refused(
        "InvalidRequest", 400, s3.create_multipart_upload,
        Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType="FULL_OBJECT",
    )
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm)
    assert (upload["ChecksumAlgorithm"], upload["ChecksumType"]) == (algorithm, "COMPOSITE")
    where, parts = {"Bucket": bucket, "Key": "k", "UploadId": upload["UploadId"]}, []
    for number, content in enumerate(bodies, 1):
        part = s3.upload_part(**where, PartNumber=number, Body=content, **{name: value(content)})
        parts.append({"PartNumber": number, "ETag": part["ETag"], name: part[name]})
    done = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    digests = b"".join(base64.b64decode(value(content)) for content in bodies)
    assert done[name] == f"{value(digests)}-2"


def test_parts_need_the_checksums_that_the_whole_is_made_of(s3, bucket):
    begun = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA512")["UploadId"]
    where = {"Bucket": bucket, "Key": "k", "UploadId": begun}
    said = refused("InvalidRequest", 400, s3.upload_part, **where, PartNumber=1, Body=b"x", ChecksumCRC32=crc32(b"x"))
    assert said["Error"]["Message"] == "Checksum Type mismatch occurred, expected checksum Type: sha512, actual checksum Type: crc32"
    value = LATER["SHA512"](b"x")
    part = s3.upload_part(**where, PartNumber=1, Body=b"x", ChecksumSHA512=value)
    named = {"PartNumber": 1, "ETag": part["ETag"]}
    said = refused("InvalidRequest", 400, s3.complete_multipart_upload, **where, MultipartUpload={"Parts": [named]})
    said = said["Error"]["Message"]
    assert "using a sha512 checksum" in said and "missing for part 1" in said
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [named | {"ChecksumSHA512": value}]})


def test_an_upload_may_be_completed_again_as_long_as_its_object_is_there(s3, bucket):
    begun = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    where = {"Bucket": bucket, "Key": "k", "UploadId": begun}
    part = s3.upload_part(**where, PartNumber=1, Body=b"x")
    named = {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}}
    first = s3.complete_multipart_upload(**where, **named)
    again = s3.complete_multipart_upload(**where, **named)
    assert (again["ETag"], again["ChecksumCRC64NVME"]) == (first["ETag"], first["ChecksumCRC64NVME"])
    s3.put_object(Bucket=bucket, Key="k", Body=b"another")
    refused("NoSuchUpload", 404, s3.complete_multipart_upload, **where, **named)
    elsewhere = where | {"Bucket": "there-is-no-such-bucket", "UploadId": "made-up"}
    refused("NoSuchBucket", 404, s3.complete_multipart_upload, **elsewhere, **named)
    refused("NoSuchBucket", 404, s3.abort_multipart_upload, **elsewhere)


@pytest.mark.parametrize("algorithm, value", [("CRC32", crc32), ("SHA256", sha256)])
def test_each_part_is_told_of_and_read_with_its_checksum(s3, bucket, algorithm, value):
    bodies = [os.urandom(5 * MIB), os.urandom(6 * MIB), os.urandom(10)]
    name = f"Checksum{algorithm}"
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm)["UploadId"]
    where = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    parts = []
    for number, content in enumerate(bodies, 1):
        part = s3.upload_part(**where, PartNumber=number, Body=content, ChecksumAlgorithm=algorithm)
        assert part[name] == value(content)
        parts.append({"PartNumber": number, "ETag": part["ETag"], name: part[name]})
    assert [part[name] for part in s3.list_parts(**where)["Parts"]] == [value(content) for content in bodies]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})

    expected = [{name: value(content), "PartNumber": number, "Size": len(content)} for number, content in enumerate(bodies, 1)]
    seen, marker, pages = [], 0, 0
    while True:
        asked = {"ObjectAttributes": ["ObjectParts", "Checksum"], "MaxParts": 2, "PartNumberMarker": marker}
        answer = s3.get_object_attributes(Bucket=bucket, Key="k", **asked)
        page = answer["ObjectParts"]
        assert (page["TotalPartsCount"], page["MaxParts"], page["PartNumberMarker"]) == (3, 2, marker)
        seen, marker, pages = seen + page["Parts"], page["NextPartNumberMarker"], pages + 1
        if not page["IsTruncated"]:
            break
    assert (seen, pages, answer["Checksum"]["ChecksumType"]) == (expected, 2, "COMPOSITE")

    for number, content in enumerate(bodies, 1):
        answer = s3.get_object(Bucket=bucket, Key="k", PartNumber=number, ChecksumMode="ENABLED")
        assert (answer[name], answer["PartsCount"]) == (value(content), 3)
        assert answer["Body"].read() == content
