import { ApiError, errorOf } from "@/api/error";
import { commonHeaders, reportSessionEnd, send } from "@/api/http";
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  headObject,
  listParts,
  type ObjectPlace,
  type PartEntry,
  s3Path,
} from "@/api/s3";

export type Progress = (sent: number) => void;

/** What an upload asks of the server. */
export interface Transport {
  exists(place: ObjectPlace): Promise<boolean>;
  /** Whether the object there has just these bytes, which are few enough to compare. */
  holds(place: ObjectPlace, body: Blob): Promise<boolean>;
  put(place: ObjectPlace, body: Blob, options: PutOptions): Promise<void>;
  begin(place: ObjectPlace, mediaType: string): Promise<string>;
  parts(place: ObjectPlace, uploadId: string): Promise<PartEntry[]>;
  putPart(place: ObjectPlace, uploadId: string, number: number, body: Blob, options: SendOptions): Promise<string>;
  complete(place: ObjectPlace, uploadId: string, parts: PartEntry[], onlyIfNew: boolean): Promise<void>;
  abort(place: ObjectPlace, uploadId: string): Promise<void>;
}

export interface SendOptions {
  signal: AbortSignal;
  progress: Progress;
}

export interface PutOptions extends SendOptions {
  mediaType: string;
  onlyIfNew: boolean;
}

/** The server, by requests that tell how far they are; `fetch` cannot. */
export const httpTransport: Transport = {
  async exists({ bucket, key }) {
    try {
      await headObject(bucket, key);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
  },
  async holds({ bucket, key }, body) {
    if ((await headObject(bucket, key)).size !== body.size) return false;
    const there = new Uint8Array(await (await send(s3Path(bucket, key))).arrayBuffer());
    const ours = new Uint8Array(await body.arrayBuffer());
    return there.length === ours.length && there.every((byte, index) => byte === ours[index]);
  },
  async put({ bucket, key }, body, { mediaType, onlyIfNew, ...options }) {
    const headers: Record<string, string> = { "content-type": mediaType || "application/octet-stream" };
    if (onlyIfNew) headers["if-none-match"] = "*";
    await sendBody(s3Path(bucket, key), body, headers, options);
  },
  begin: ({ bucket, key }, mediaType) => createMultipartUpload(bucket, key, mediaType),
  parts: ({ bucket, key }, uploadId) => listParts(bucket, key, uploadId),
  async putPart({ bucket, key }, uploadId, number, body, options) {
    const answer = await sendBody(s3Path(bucket, key, { partNumber: number, uploadId }), body, {}, options);
    return answer.getResponseHeader("etag") ?? "";
  },
  complete: completeMultipartUpload,
  abort: ({ bucket, key }, uploadId) => abortMultipartUpload(bucket, key, uploadId),
};

function sendBody(
  path: string,
  body: Blob,
  headers: Record<string, string>,
  { signal, progress }: SendOptions,
): Promise<XMLHttpRequest> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", path);
    for (const [name, value] of Object.entries({ ...commonHeaders("PUT"), ...headers })) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onload = () => {
      if (request.status < 300) return resolve(request);
      if (request.status === 401) reportSessionEnd();
      reject(errorOf(request.status, (name) => request.getResponseHeader(name), request.responseText));
    };
    request.onerror = () => reject(new ApiError("", 0));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}
