/** The uploads of this page. They live outside of what is drawn: pages come and go, uploads go on. */
import { sessionState } from "@/api/session";
import { browserJournal } from "./journal";
import { UploadQueue } from "./queue";
import { httpTransport } from "./transport";

export const uploads = new UploadQueue({
  transport: httpTransport,
  journal: browserJournal,
  answers: () =>
    fetch("/-/health/ready").then(
      ({ ok }) => ok,
      () => false,
    ),
  now: () => performance.now(),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  // Not `randomUUID`, which browsers keep from pages on plain http.
  newId: () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join("-"),
});

let restored = false;

sessionState.subscribe(() => {
  if (sessionState.get().phase !== "signed-in") return;
  uploads.sessionBack();
  if (restored) return;
  restored = true;
  // A browser that keeps nothing, as in private windows, has nothing to restore.
  uploads.restore().catch(() => {});
});

addEventListener("online", () => uploads.networkBack());

addEventListener("beforeunload", (event) => {
  if (uploads.summary().active > 0) event.preventDefault();
});
