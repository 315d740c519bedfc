/** What the server tells of its work: requests, time series, settings. */
import { getJson, queryOf } from "./http";
import type { History, RequestPage, RequestReport, Setting, Settings } from "./schema";

export interface RequestFilter {
  status?: string;
  operation?: string;
  bucket?: string;
  text?: string;
}

export const listRequests = (after: number | undefined, limit: number, filter: RequestFilter) =>
  getJson<RequestPage>(`/api/v1/requests${queryOf({ after, limit, ...filter })}`);

/** One request; of a denied one with the reason. */
export const getRequest = (id: string) => getJson<RequestReport>(`/api/v1/requests/${encodeURIComponent(id)}`);

export const getHistory = () => getJson<History>("/api/v1/history");

export const listSettings = async (): Promise<Setting[]> => (await getJson<Settings>("/api/v1/settings")).settings;
