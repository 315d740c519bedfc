/** The server's own operations on buckets and objects, in JSON. */
import { getJson, postJson, queryOf } from "./http";
import type { BucketUsage, ObjectPlaces, Presign, PresignedUrl, QuotaState, SearchState, Usage } from "./schema";

/** The buckets that the caller may list, and whether there are others. */
export const usageQuery = { queryKey: ["buckets"], queryFn: () => getJson<Usage>("/api/v1/usage") };

export const bucketsQuery = { ...usageQuery, select: (usage: Usage): BucketUsage[] => usage.buckets };

export const presign = (ask: Presign) => postJson<PresignedUrl>("/api/v1/presign", ask);

export const objectPlaces = (bucket: string, key: string) =>
  getJson<ObjectPlaces>(`/api/v1/objects${queryOf({ bucket, key })}`);

export const setSearchIndex = (bucket: string, enabled: boolean) =>
  postJson<SearchState>(`/api/v1/buckets/${bucket}/search`, { enabled });

/** Bounds the bytes of all versions in a bucket; null for no bound. */
export const setQuota = (bucket: string, bytes: number | null) =>
  postJson<QuotaState>(`/api/v1/buckets/${bucket}/quota`, { bytes });
