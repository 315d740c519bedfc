import { ApiError, errorOf } from "./error";

/** Proves that a change comes from this page and not from one of another site that uses its cookie. */
let csrfToken = "";
let onSessionEnd: () => void = () => {};

export function setCsrfToken(token: string): void {
  csrfToken = token;
}

export const currentCsrfToken = (): string => csrfToken;

/** Calls `listener` whenever the server no longer knows who asks. */
export function setSessionEndListener(listener: () => void): void {
  onSessionEnd = listener;
}

export function reportSessionEnd(): void {
  onSessionEnd();
}

export interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: BodyInit;
  signal?: AbortSignal;
}

/** The headers that every request needs beside its own. */
export function commonHeaders(method: string): Record<string, string> {
  return method === "GET" || method === "HEAD" ? {} : { "x-holdfast-csrf": csrfToken };
}

/** Sends a request to this origin. Whatever is not a success is thrown as an `ApiError`. */
export async function send(path: string, ask: Ask = {}): Promise<Response> {
  const method = ask.method ?? "GET";
  let response: Response;
  try {
    response = await fetch(path, { ...ask, method, headers: { ...commonHeaders(method), ...ask.headers } });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("", 0);
  }
  if (response.ok) return response;
  const failure = errorOf(response.status, (name) => response.headers.get(name), await response.text());
  if (response.status === 401) reportSessionEnd();
  throw failure;
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await send(path, { signal })).json() as Promise<T>;
}

export async function postJson<T>(path: string, body: unknown = {}): Promise<T> {
  const headers = { "content-type": "application/json" };
  return (await send(path, { method: "POST", headers, body: JSON.stringify(body) })).json() as Promise<T>;
}

/** A query string of the values that are given; empty strings stay, as S3's subresources need them. */
export function queryOf(parameters: Record<string, string | number | boolean | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.append(name, String(value));
  }
  const text = query.toString();
  return text && `?${text}`;
}
