import { currentCsrfToken } from "@/api/http";
import { objectPath } from "@/api/s3";
import { t } from "@/i18n";
import { nameOf } from "@/lib/keys";
import { sayError } from "@/ui/toasts";

/** Has the browser save an object; it writes to the disk as bytes come, whatever their number. */
export function download(bucket: string, key: string, versionId?: string): void {
  const link = document.createElement("a");
  link.href = objectPath(bucket, key, { versionId });
  link.download = nameOf(key);
  link.click();
}

/** Saves one object as it is, and several or folders as one archive that the server makes while it is sent. */
export function downloadMany(bucket: string, prefix: string, keys: readonly string[]): void {
  const [only] = keys;
  if (keys.length === 1 && only && !only.endsWith("/")) download(bucket, only);
  else downloadArchive(bucket, prefix, keys);
}

function downloadArchive(bucket: string, prefix: string, keys: readonly string[]): void {
  const form = document.createElement("form");
  form.method = "post";
  form.action = "/api/v1/zip";
  form.target = archiveFrame().name;
  const add = (name: string, value: string) => {
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = name;
    input.value = value;
    form.append(input);
  };
  add("csrf", currentCsrfToken());
  add("bucket", bucket);
  add("prefix", prefix);
  for (const key of keys) add(key.endsWith("/") ? "folder" : "key", key);
  document.body.append(form);
  form.submit();
  form.remove();
}

/** Where the answer goes. An archive is saved and loads nothing; what loads here is the server's refusal. */
function archiveFrame(): HTMLIFrameElement {
  const known = document.querySelector<HTMLIFrameElement>("iframe[name=archive]");
  if (known) return known;
  const frame = document.createElement("iframe");
  frame.name = "archive";
  frame.title = t("Downloads");
  frame.hidden = true;
  document.body.append(frame);
  frame.addEventListener("load", () => {
    if (!isBlank(frame)) sayError(new Error(t("The archive could not be made: check that all of it may be read.")));
  });
  return frame;
}

/** A frame that shows a refusal is not this page's to look into. */
function isBlank(frame: HTMLIFrameElement): boolean {
  try {
    return frame.contentWindow?.location.href === "about:blank";
  } catch {
    return false;
  }
}
