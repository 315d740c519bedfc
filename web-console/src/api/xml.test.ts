import { describe, expect, it } from "vitest";
import { readCors, readNotifications } from "./bucket-config";
import { crc32Base64 } from "./checksum";
import { errorOf } from "./error";
import { newRule, readLifecycle, writeLifecycle } from "./lifecycle";
import { readListing, readTags, readVersions, s3Path, writeTags } from "./s3";
import { parseXml, textOf, writeXml } from "./xml";

describe("XML", () => {
  it("is written so that it reads back, whatever the text", () => {
    const text = "a & b <c> \"d\" 'e'\n\ttabs\rünïcode 中文";
    expect(textOf(parseXml(writeXml(["Root", [["Text", text]]])), "Text")).toBe(text);
  });

  it("that is not well-formed reads as an empty document", () => {
    expect(textOf(parseXml("<a><b></a>"), "b")).toBe("");
  });
});

describe("answers of S3", () => {
  it("a listing has its objects, folders and what comes next, keys decoded", () => {
    const page = readListing(
      parseXml(`<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <NextContinuationToken>more</NextContinuationToken>
        <Contents><Key>a+b%2Bc%2F%01.txt</Key><Size>12</Size><LastModified>2026-01-01T00:00:00Z</LastModified><ETag>"e"</ETag></Contents>
        <CommonPrefixes><Prefix>f%C3%BCr/</Prefix></CommonPrefixes></ListBucketResult>`),
    );
    expect(page.objects[0]).toMatchObject({ key: "a b+c/\u0001.txt", size: 12 });
    expect(page.folders).toEqual(["für/"]);
    expect(page.next).toBe("more");
  });

  it("versions and delete markers keep their order", () => {
    const versions = readVersions(
      parseXml(`<ListVersionsResult><DeleteMarker><Key>a</Key><VersionId>2</VersionId><IsLatest>true</IsLatest></DeleteMarker>
        <Version><Key>a</Key><VersionId>1</VersionId><IsLatest>false</IsLatest><Size>3</Size></Version></ListVersionsResult>`),
    );
    expect(versions.map(({ versionId, isDeleteMarker }) => [versionId, isDeleteMarker])).toEqual([
      ["2", true],
      ["1", false],
    ]);
  });

  it("tags read back as they were written", () => {
    const tags = { project: "a & b", empty: "" };
    expect(readTags(parseXml(writeTags(tags)))).toEqual(tags);
  });

  it("an error has its sentence, code and request id, of S3 as of the admin API", () => {
    const xml = "<Error><Code>AccessDenied</Code><Message>No.</Message><RequestId>R1</RequestId></Error>";
    const none = () => null;
    const header = (type: string) => (name: string) => (name === "content-type" ? type : none());
    expect(errorOf(403, header("application/xml"), xml)).toMatchObject({
      message: "No.",
      code: "AccessDenied",
      requestId: "R1",
    });
    const wrapped = `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>
      <Code>DeleteConflict</Code><Message>Detach first.</Message></Error><RequestId>R2</RequestId></ErrorResponse>`;
    expect(errorOf(409, header("text/xml"), wrapped)).toMatchObject({
      message: "Detach first.",
      code: "DeleteConflict",
      requestId: "R2",
    });
    const json = '{"error":"no such drive","code":"NotFound"}';
    expect(errorOf(404, header("application/json"), json)).toMatchObject({
      message: "no such drive",
      code: "NotFound",
    });
    expect(errorOf(502, none, "<html>")).toMatchObject({ status: 502, isTransient: true });
  });
});

describe("paths of keys", () => {
  it("hide slashes only where the browser would fold parts away", () => {
    expect(s3Path("b", "a b/c+d?.txt")).toBe("/api/v1/s3/b/a%20b/c%2Bd%3F.txt");
    expect(s3Path("b", "folder/")).toBe("/api/v1/s3/b/folder/");
    for (const key of ["a/../b", "./a", "a/.", "a//b", "/a"]) {
      const path = s3Path("b", key);
      const resolved = new URL(path, "http://x").pathname;
      expect(decodeURIComponent(resolved.slice("/api/v1/s3/b/".length))).toBe(key);
    }
  });
});

describe("documents of buckets", () => {
  it("a lifecycle rule reads back as it was written", () => {
    const rules = [
      { ...newRule(), id: "a", prefix: "tmp/", expireDays: 7 },
      {
        ...newRule(),
        id: "b",
        enabled: false,
        prefix: "logs/",
        tags: { kind: "log" },
        largerThan: 1000,
        oldVersionDays: 30,
        oldVersionsKept: 2,
        abortUploadDays: 3,
        transitions: [{ days: 10, storageClass: "STANDARD_IA" }],
      },
      { ...newRule(), id: "c", removeMarkers: true },
    ];
    expect(readLifecycle(parseXml(writeLifecycle(rules)))).toEqual(rules);
  });

  it("the oldest form of a rule, with a prefix beside it, is read", () => {
    const [rule] = readLifecycle(
      parseXml(
        "<LifecycleConfiguration><Rule><Prefix>old/</Prefix><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
      ),
    );
    expect(rule).toMatchObject({ prefix: "old/", expireDays: 1, enabled: true });
  });

  it("CORS rules and notifications are read", () => {
    expect(
      readCors(
        parseXml(
          "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>",
        ),
      ),
    ).toEqual([{ origins: ["*"], methods: ["GET"], headers: [], exposed: [], maxAgeSeconds: 0 }]);
    const [notification] = readNotifications(
      parseXml(`<NotificationConfiguration><QueueConfiguration><Id>n</Id><Queue>arn</Queue><Event>s3:ObjectCreated:*</Event>
        <Filter><S3Key><FilterRule><Name>Prefix</Name><Value>a/</Value></FilterRule></S3Key></Filter></QueueConfiguration></NotificationConfiguration>`),
    );
    expect(notification).toEqual({ id: "n", queue: "arn", events: ["s3:ObjectCreated:*"], prefix: "a/", suffix: "" });
  });

  it("have the CRC-32 that the standard's example has", () => {
    expect(crc32Base64("123456789")).toBe(btoa("\xcb\xf4\x39\x26"));
  });
});
