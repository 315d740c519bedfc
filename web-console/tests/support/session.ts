/** What tests prepare by the public API, so that each page is tested for what it shows. */
import type { APIRequestContext, APIResponse } from "@playwright/test";
import { ACCESS_KEY, SECRET_KEY } from "./server";

/** Enough that the server commits many of them together. */
const PUTS_AT_ONCE = 128;

/** Somebody signed in by the API; cookies are shared with the page of the same context. */
export class Api {
  private constructor(
    private readonly request: APIRequestContext,
    private readonly base: string,
    private readonly csrf: string,
    private readonly cookie: string,
  ) {}

  static async signIn(
    request: APIRequestContext,
    base: string,
    accessKey = ACCESS_KEY,
    secretKey = SECRET_KEY,
  ): Promise<Api> {
    const data = { access_key: accessKey, secret_key: secretKey };
    const answer = await ok(request.post(`${base}/api/v1/session`, { data }));
    const { csrf } = await answer.json();
    const [cookie = ""] = (answer.headers()["set-cookie"] ?? "").split(";");
    return new Api(request, base, csrf, cookie);
  }

  /** The number of the account that is signed in. */
  async account(): Promise<string> {
    return (await (await this.request.get(`${this.base}/api/v1/session`)).json()).account.id;
  }

  private headers(more: Record<string, string> = {}) {
    return { "x-holdfast-csrf": this.csrf, ...more };
  }

  async bucket(name: string, headers?: Record<string, string>): Promise<void> {
    await ok(this.request.put(`${this.base}/api/v1/s3/${name}`, { headers: this.headers(headers) }));
  }

  async configure(bucket: string, subresource: string, data: string): Promise<void> {
    await ok(this.request.put(`${this.base}/api/v1/s3/${bucket}?${subresource}`, { headers: this.headers(), data }));
  }

  async put(bucket: string, key: string, data: string | Buffer, headers?: Record<string, string>): Promise<void> {
    const path = key.split("/").map(encodeURIComponent).join("/");
    await ok(this.request.put(`${this.base}/api/v1/s3/${bucket}/${path}`, { headers: this.headers(headers), data }));
  }

  async remove(bucket: string, key: string): Promise<void> {
    await ok(this.request.delete(`${this.base}/api/v1/s3/${bucket}/${key}`, { headers: this.headers() }));
  }

  /** Many tiny objects, many at once; sent by Node.js itself, which is quicker than the browser's driver. */
  async putMany(bucket: string, keys: readonly string[]): Promise<void> {
    const waiting = [...keys];
    const headers = this.headers({ cookie: this.cookie });
    const work = async () => {
      for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
        const answer = await fetch(`${this.base}/api/v1/s3/${bucket}/${key}`, { method: "PUT", headers, body: "x" });
        if (!answer.ok) throw new Error(`${key}: ${answer.status} ${await answer.text()}`);
        await answer.arrayBuffer();
      }
    };
    await Promise.all(Array.from({ length: PUTS_AT_ONCE }, work));
  }

  async versioning(bucket: string, status: "Enabled" | "Suspended" = "Enabled"): Promise<void> {
    const document = `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`;
    await this.configure(bucket, "versioning", document);
  }

  async search(bucket: string): Promise<void> {
    await this.post(`/api/v1/buckets/${bucket}/search`, { enabled: true });
  }

  async post(path: string, data: unknown): Promise<APIResponse> {
    return ok(this.request.post(this.base + path, { headers: this.headers(), data }));
  }

  async sts(action: string): Promise<string> {
    return this.iam(action, { Version: "2011-06-15" });
  }

  async iam(action: string, parameters: Record<string, string> = {}): Promise<string> {
    const form = { Action: action, Version: "2010-05-08", ...parameters };
    return (await ok(this.request.post(`${this.base}/api/v1/iam`, { headers: this.headers(), form }))).text();
  }
}

async function ok(asked: Promise<APIResponse>): Promise<APIResponse> {
  const answer = await asked;
  if (!answer.ok()) throw new Error(`${answer.url()}: ${answer.status()} ${await answer.text()}`);
  return answer;
}
