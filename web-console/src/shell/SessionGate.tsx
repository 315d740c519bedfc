import type { ReactNode } from "react";
import { sessionState } from "@/api/session";
import { t } from "@/i18n";
import { useObservable } from "@/lib/observable";
import { Dialog } from "@/ui/Dialog";
import { SignInForm, SignInPage } from "./SignIn";

/** Shows the console to whom the server knows. When the session ends, the page stays and asks to sign in again. */
export function SessionGate({ children }: { children: ReactNode }) {
  const state = useObservable(sessionState);
  if (state.phase === "starting") return null;
  if (state.phase === "signed-out") return <SignInPage />;
  return (
    <>
      {children}
      {state.phase === "ended" && (
        <Dialog title={t("Sign in again")} onClose={() => location.assign("/")}>
          <p className="mb-4 text-sm text-muted">
            {t("Your session has ended. Uploads wait and go on when you have signed in.")}
          </p>
          <SignInForm />
        </Dialog>
      )}
    </>
  );
}
