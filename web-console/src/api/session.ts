import { Observable } from "@/lib/observable";
import { ApiError } from "./error";
import { getJson, postJson, send, setCsrfToken, setSessionEndListener } from "./http";
import type { Session, SsoProviders } from "./schema";

/** `ended` still shows the page of before, and asks to sign in again over it: running uploads wait for that. */
export type SessionState =
  | { phase: "starting" }
  | { phase: "signed-out" }
  | { phase: "signed-in"; session: Session }
  | { phase: "ended"; session: Session };

export const sessionState = new Observable<SessionState>({ phase: "starting" });

/** How often a session that is in use is renewed; far below the 12 hours that one lasts. */
const RENEWAL_MS = 30 * 60 * 1000;

/** Pages of this browser tell each other here that somebody has signed in: they share the cookie, and not the CSRF token. */
const pages = new BroadcastChannel("holdfast.session");

/** Names the window in which somebody signs in again by single sign-on, while the page that asked for it stays. */
export const SIGN_IN_WINDOW = "holdfast-sign-in";

setSessionEndListener(() => {
  const state = sessionState.get();
  if (state.phase === "signed-in") sessionState.set({ phase: "ended", session: state.session });
});

function enter(session: Session): void {
  const before = sessionState.get();
  const isKnown = before.phase === "signed-in" || before.phase === "ended";
  if (isKnown && before.session.arn !== session.arn) {
    // Somebody else took over: nothing of the one before may stay on the screen or in memory.
    location.assign("/");
    return;
  }
  setCsrfToken(session.csrf ?? "");
  sessionState.set({ phase: "signed-in", session });
}

const askSession = () => getJson<Session>("/api/v1/session");

/** Finds out whether the browser has a session already. */
export async function resumeSession(): Promise<void> {
  try {
    enter(await askSession());
    pages.postMessage("signed in");
    if (window.name === SIGN_IN_WINDOW) window.close();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    sessionState.set({ phase: "signed-out" });
  }
  // Without an answer the next request tells whether there is a session.
  pages.onmessage = () => void askSession().then(enter, () => {});
  setInterval(renew, RENEWAL_MS);
}

async function renew(): Promise<void> {
  if (sessionState.get().phase !== "signed-in") return;
  try {
    enter(await postJson<Session>("/api/v1/session/renew"));
  } catch {
    // The next request tells whether the session has ended.
  }
}

export const signIn = (accessKey: string, secretKey: string): Promise<void> =>
  begin("/api/v1/session", { access_key: accessKey, secret_key: secretKey });

/** Signs in as somebody of the directory. */
export const signInByLdap = (userName: string, password: string): Promise<void> =>
  begin("/api/v1/session/ldap", { user_name: userName, password });

async function begin(path: string, who: object): Promise<void> {
  enter(await postJson<Session>(path, who));
  pages.postMessage("signed in");
}

export async function signOut(): Promise<void> {
  await send("/api/v1/session", { method: "DELETE" });
  location.assign("/");
}

/** Ways to sign in that need no access key. */
export const otherWaysIn = (): Promise<SsoProviders> => getJson<SsoProviders>("/api/v1/sso");

/** Calls `listener` when somebody has signed in again over the page; returns what ends that. */
export function onSessionBack(listener: () => void): () => void {
  let before = sessionState.get().phase;
  return sessionState.subscribe(() => {
    const now = sessionState.get().phase;
    if (before === "ended" && now === "signed-in") listener();
    before = now;
  });
}

/** The session of a page that is shown only when there is one. */
export function currentSession(): Session {
  const state = sessionState.get();
  if (state.phase === "signed-in" || state.phase === "ended") return state.session;
  throw new Error("nobody is signed in");
}

/** Whether the caller may use an admin operation, `admin:Status` for one. */
export const mayAdminister = (action: string): boolean => {
  const { is_root, allowed } = currentSession();
  return is_root || allowed.includes(action) || allowed.includes("admin:*");
};
