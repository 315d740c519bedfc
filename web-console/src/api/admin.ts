/** The server's own operations, in JSON. */
import { getJson, postJson, queryOf } from "./http";

export interface BucketUsage {
  name: string;
  created: string;
  objects: number;
  versions: number;
  bytes: number;
  versioning: string;
  object_lock: boolean;
  searchable: boolean;
  encryption: string | null;
  public: boolean;
  quota: number | null;
}

export const listUsage = async (): Promise<BucketUsage[]> =>
  (await getJson<{ buckets: BucketUsage[] }>("/api/v1/usage")).buckets;

export interface PresignAsk {
  method: "GET" | "PUT";
  bucket: string;
  key: string;
  version_id?: string;
  expires_seconds: number;
  response_content_disposition?: string;
}

export const presign = (ask: PresignAsk) => postJson<{ url: string; expires: string }>("/api/v1/presign", ask);

export interface ObjectShards {
  size: number;
  scheme: { data: number; parity: number };
  shards: { drive: number; node: string; state: string }[];
  margin: number;
}

export const objectShards = (bucket: string, key: string, versionId?: string) =>
  getJson<ObjectShards>(`/api/v1/objects${queryOf({ bucket, key, version_id: versionId })}`);

export const setSearchIndex = (bucket: string, enabled: boolean) =>
  postJson<{ enabled: boolean }>(`/api/v1/buckets/${bucket}/search`, { enabled });
