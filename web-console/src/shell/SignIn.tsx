import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { otherWaysIn, SIGN_IN_WINDOW, sessionState, signIn, signInByLdap } from "@/api/session";
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
  const others = useQuery({ queryKey: ["sso"], queryFn: otherWaysIn, staleTime: Number.POSITIVE_INFINITY }).data;
  const [byName, setByName] = useState(false);
  // Away to the provider goes the page itself; where a session has ended on it, another window, as its uploads would go too.
  const ssoTarget = sessionState.get().phase === "ended" ? SIGN_IN_WINDOW : undefined;
  return (
    <div className="flex flex-col gap-4">
      {byName ? (
        <PairForm key="ldap" name={t("User name")} secret={t("Password")} begin={signInByLdap} />
      ) : (
        <PairForm
          key="access-key"
          name={t("Access key")}
          secret={t("Secret key")}
          hint={t('The first start prints where the pair is kept; "holdfast env" shows it on the server\'s machine.')}
          // Copied from somewhere as a rule, and keys have no spaces.
          begin={(accessKey, secretKey) => signIn(accessKey, secretKey.trim())}
        />
      )}
      {others?.ldap && (
        <Button onClick={() => setByName(!byName)}>
          {byName ? t("Use an access key instead") : t("Use a user name and a password instead")}
        </Button>
      )}
      {others?.providers.map(({ id, name }) => (
        <a
          key={id}
          href={`/api/v1/sso/${encodeURIComponent(id)}/start`}
          target={ssoTarget}
          className={buttonClass("plain")}
        >
          {t("Sign in with {name}", { name })}
        </a>
      ))}
      <SsoFailure />
      {location.protocol === "http:" && !isLoopback() && (
        <Notice kind="warn">
          {t("This connection is not encrypted: others on the network can read what you send.")}
        </Notice>
      )}
    </div>
  );
}

interface PairFormProps {
  /** Labels of the two fields. */
  name: string;
  secret: string;
  hint?: string;
  begin: (name: string, secret: string) => Promise<void>;
}

/** A name and what only its owner knows. */
function PairForm({ name, secret, hint, begin }: PairFormProps) {
  const [given, setGiven] = useState({ name: "", secret: "" });
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await begin(given.name.trim(), given.secret);
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <TextField
        label={name}
        value={given.name}
        onChange={(event) => setGiven({ ...given, name: event.target.value })}
        autoComplete="username"
        autoCapitalize="off"
        spellCheck={false}
        required
      />
      <TextField
        label={secret}
        hint={hint}
        type="password"
        value={given.secret}
        onChange={(event) => setGiven({ ...given, secret: event.target.value })}
        autoComplete="current-password"
        required
      />
      {error !== undefined && <ErrorNotice error={error} />}
      <Button type="submit" kind="primary" disabled={busy}>
        {t("Sign in")}
      </Button>
    </form>
  );
}

/** Why somebody came back from an identity provider and is not signed in; the server says it in the address. */
function SsoFailure() {
  const reason = new URLSearchParams(location.search).get("sso_error");
  return reason && <Notice kind="danger">{t("Single sign-on did not succeed: {reason}", { reason })}</Notice>;
}

const isLoopback = (): boolean => ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
