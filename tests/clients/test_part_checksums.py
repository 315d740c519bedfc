"""Checksums of the parts of an object, through boto3, which verifies what it is told of a part."""

import base64
import hashlib
import os
import zlib

import pytest

MIB = 1024 * 1024


def crc32(content):
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


def sha256(content):
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


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
