// The AWS SDK for JavaScript v3 against a server that the environment names. Prints a line for each check that held.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import {
  DeleteObjectsCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, NoSuchKey, PutObjectCommand, S3Client,
  paginateListObjectsV2,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { createPresignedPost } from "@aws-sdk/s3-presigned-post";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const Bucket = process.env.BUCKET;
const client = new S3Client({ endpoint: process.env.AWS_ENDPOINT_URL, forcePathStyle: true });
const held = (what) => console.log("held:", what);
const bytesOf = async (Key, more = {}) => {
  const answer = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return Buffer.from(await answer.Body.transformToByteArray());
};

const small = Buffer.from("from JavaScript");
const Key = "dir/a b+c&d=é";
await client.send(new PutObjectCommand({ Bucket, Key, Body: small, Metadata: { color: "red" } }));
assert.deepEqual(await bytesOf(Key, { ChecksumMode: "ENABLED" }), small);
assert.deepEqual(await bytesOf(Key, { Range: "bytes=5-" }), small.subarray(5));
const head = await client.send(new HeadObjectCommand({ Bucket, Key }));
assert.deepEqual(head.Metadata, { color: "red" });
held("objects, metadata and keys with signs");

for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "SHA1", "SHA256"]) {
  await client.send(new PutObjectCommand({ Bucket, Key: "sum", Body: small, ChecksumAlgorithm }));
  assert.deepEqual(await bytesOf("sum", { ChecksumMode: "ENABLED" }), small);
}
await client.send(new PutObjectCommand({ Bucket, Key: "stream", Body: Readable.from([small]), ContentLength: small.length }));
assert.deepEqual(await bytesOf("stream"), small);
held("checksums in headers and in trailers");

const large = randomBytes(12 * 1024 * 1024);
await new Upload({ client, params: { Bucket, Key: "large", Body: Readable.from([large.subarray(0, 7_000_000), large.subarray(7_000_000)]) } }).done();
assert.deepEqual(await bytesOf("large"), large);
held("multipart upload of a stream");

await assert.rejects(client.send(new PutObjectCommand({ Bucket, Key, Body: small, IfNoneMatch: "*" })), { name: "PreconditionFailed" });
await assert.rejects(client.send(new GetObjectCommand({ Bucket, Key: "missing" })), NoSuchKey);
held("conditional writes and typed errors");

const names = [];
for await (const page of paginateListObjectsV2({ client, pageSize: 1 }, { Bucket })) {
  names.push(...(page.Contents ?? []).map((entry) => entry.Key));
}
assert.deepEqual(names, [Key, "large", "stream", "sum"]);
const nested = await client.send(new ListObjectsV2Command({ Bucket, Delimiter: "/" }));
assert.deepEqual(nested.CommonPrefixes.map((group) => group.Prefix), ["dir/"]);
held("listings page by page, with folders");

const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key }), { expiresIn: 60 });
assert.deepEqual(Buffer.from(await (await fetch(url)).arrayBuffer()), small);
held("presigned URLs");

const { url: target, fields } = await createPresignedPost(client, { Bucket, Key: "form/${filename}", Conditions: [["content-length-range", 0, 100]] });
const form = new FormData();
Object.entries(fields).forEach(([name, value]) => form.append(name, value));
form.append("file", new Blob([small]), "name.txt");
assert.equal((await fetch(target, { method: "POST", body: form })).status, 204);
assert.deepEqual(await bytesOf("form/name.txt"), small);
held("forms by createPresignedPost and FormData");

const removed = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "large" }, { Key }] } }));
assert.equal(removed.Deleted.length, 2);
held("removal of many keys at once");
