/** What the server tells of its work: requests, time series, settings. */
import { getJson, queryOf } from "./http";

export interface LoggedRequest {
  seq: number;
  at: string;
  request_id: string;
  method: string;
  operation: string;
  bucket: string | null;
  key: string | null;
  status: number;
  error_code: string | null;
  caller: string | null;
  address: string;
  took_us: number;
  sent: number;
  received: number;
}

/** Why a request was denied, and what would have allowed it. */
export interface Why {
  decision: string;
  action: string;
  resource: string;
  deciding: { policy: string; statement: string | number } | null;
  missing: string;
}

export interface RequestFilter {
  status?: string;
  operation?: string;
  bucket?: string;
  text?: string;
}

export const listRequests = (after: number | undefined, limit: number, filter: RequestFilter) =>
  getJson<{ next: number; requests: LoggedRequest[] }>(`/api/v1/requests${queryOf({ after, limit, ...filter })}`);

export const getRequest = (id: string) =>
  getJson<LoggedRequest & { why?: Why | null }>(`/api/v1/requests/${encodeURIComponent(id)}`);

export interface HistoryPoint {
  at: string;
  requests: number;
  errors: number;
  sent: number;
  received: number;
  p50_ms: number | null;
  p99_ms: number | null;
  used: number;
  capacity: number;
}

export const getHistory = () => getJson<{ step_seconds: number; points: HistoryPoint[] }>("/api/v1/history");

export interface Setting {
  name: string;
  value: unknown;
  origin: string;
}

/** The settings that count; an answer may be the list itself or name it. */
export async function listSettings(): Promise<Setting[]> {
  const answer = await getJson<Setting[] | { settings: Setting[] }>("/api/v1/settings");
  return Array.isArray(answer) ? answer : answer.settings;
}
