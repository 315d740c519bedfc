import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { listSsoProviders, SIGN_IN_WINDOW, sessionState, signIn } from "@/api/session";
import { t } from "@/i18n";
import { Button, buttonClass } from "@/ui/Button";
import { TextField } from "@/ui/Field";
import { ErrorNotice, Notice } from "@/ui/Notice";
import { LanguageChoice, ThemeChoice } from "./choices";
import { Logo } from "./Logo";

export function SignInPage() {
  return (
    <main className="flex min-h-full flex-col items-center justify-center gap-6 p-4">
      <h1 className="flex items-center gap-3 text-2xl font-semibold">
        <Logo size={36} /> Holdfast
      </h1>
      <div className="w-full max-w-sm rounded-xl border border-line bg-panel p-6">
        <SignInForm />
      </div>
      <div className="flex gap-2">
        <LanguageChoice />
        <ThemeChoice />
      </div>
    </main>
  );
}

export function SignInForm() {
  const [accessKey, setAccessKey] = useState("");
  const [secretKey, setSecretKey] = useState("");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await signIn(accessKey.trim(), secretKey.trim());
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <TextField
        label={t("Access key")}
        value={accessKey}
        onChange={(event) => setAccessKey(event.target.value)}
        autoComplete="username"
        autoCapitalize="off"
        spellCheck={false}
        required
      />
      <TextField
        label={t("Secret key")}
        hint={t('The first start prints where the pair is kept; "holdfast env" shows it on the server\'s machine.')}
        type="password"
        value={secretKey}
        onChange={(event) => setSecretKey(event.target.value)}
        autoComplete="current-password"
        required
      />
      {error !== undefined && <ErrorNotice error={error} />}
      <Button type="submit" kind="primary" disabled={busy}>
        {t("Sign in")}
      </Button>
      <SsoLinks />
      <SsoFailure />
      {location.protocol === "http:" && !isLoopback() && (
        <Notice kind="warn">
          {t("This connection is not encrypted: others on the network can read what you send.")}
        </Notice>
      )}
    </form>
  );
}

/** Why somebody came back from an identity provider and is not signed in; the server says it in the address. */
function SsoFailure() {
  const reason = new URLSearchParams(location.search).get("sso_error");
  return reason && <Notice kind="danger">{t("Single sign-on did not succeed: {reason}", { reason })}</Notice>;
}

/** Away to the provider goes the page itself; where a session has ended on it, another window, as its uploads would go too. */
function SsoLinks() {
  const target = sessionState.get().phase === "ended" ? SIGN_IN_WINDOW : undefined;
  const providers = useQuery({ queryKey: ["sso"], queryFn: listSsoProviders, staleTime: Number.POSITIVE_INFINITY });
  return providers.data?.map(({ id, name }) => (
    <a key={id} href={`/api/v1/sso/${encodeURIComponent(id)}/start`} target={target} className={buttonClass("plain")}>
      {t("Sign in with {name}", { name })}
    </a>
  ));
}

const isLoopback = (): boolean => ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
