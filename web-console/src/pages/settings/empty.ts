import { abortMultipartUpload, deleteObjects, listMultipartUploads, listVersions } from "@/api/s3";

/** Removes every version, delete marker and open upload of a bucket. */
export async function emptyBucket(bucket: string, onRemoved: (versions: number) => void): Promise<void> {
  let removed = 0;
  for (;;) {
    const { versions } = await listVersions(bucket, "");
    if (versions.length === 0) break;
    const { errors } = await deleteObjects(bucket, versions);
    if (errors[0]) throw new Error(`${errors[0].key}: ${errors[0].message}`);
    removed += versions.length;
    onRemoved(removed);
  }
  for (;;) {
    const uploads = await listMultipartUploads(bucket);
    if (uploads.length === 0) break;
    for (const { key, uploadId } of uploads) await abortMultipartUpload(bucket, key, uploadId);
  }
}
