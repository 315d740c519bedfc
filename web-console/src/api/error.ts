import { childOf, parseXml, textOf } from "./xml";

/** Why the server did not do what it was asked for. */
export class ApiError extends Error {
  override name = "ApiError";

  constructor(
    /** The server's sentence; empty where it gave none. */
    message: string,
    /** HTTP status; 0 where no answer came. */
    readonly status: number,
    /** The code as S3 and IAM know it, `AccessDenied` for one; empty where the server gave none. */
    readonly code = "",
    readonly requestId = "",
    readonly retryAfterSeconds = 0,
  ) {
    super(message);
  }

  /** Worth trying again as it is: nobody answered, or the server could not just now. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** The error that an answer's status, headers and body amount to. */
export function errorOf(status: number, header: (name: string) => string | null, body: string): ApiError {
  const { message, code, requestId } = detailsOf(body, header("content-type") ?? "");
  return new ApiError(
    message,
    status,
    code,
    requestId || header("x-amz-request-id") || header("x-amzn-requestid") || "",
    Number(header("retry-after")) || 0,
  );
}

interface Details {
  message: string;
  code: string;
  requestId: string;
}

function detailsOf(body: string, mediaType: string): Details {
  if (mediaType.includes("json")) return jsonDetails(body);
  if (mediaType.includes("xml")) {
    const document = parseXml(body);
    // S3's document is the error itself; IAM and STS wrap theirs.
    const error = childOf(document, "Error") ?? document;
    return {
      message: textOf(error, "Message"),
      code: textOf(error, "Code"),
      requestId: textOf(document, "RequestId"),
    };
  }
  return { message: body.length < 300 ? body.trim() : "", code: "", requestId: "" };
}

function jsonDetails(body: string): Details {
  try {
    const parsed = JSON.parse(body) as Record<string, unknown>;
    const inner = typeof parsed.error === "object" && parsed.error !== null ? parsed.error : parsed;
    const { message, code, request_id } = inner as Record<string, unknown>;
    const sentence = typeof parsed.error === "string" ? parsed.error : message;
    return { message: String(sentence ?? ""), code: String(code ?? ""), requestId: String(request_id ?? "") };
  } catch {
    return { message: "", code: "", requestId: "" };
  }
}
