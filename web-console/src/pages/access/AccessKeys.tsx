import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { type ReactNode, useState } from "react";
import {
  type AccessKey,
  createAccessKey,
  deleteAccessKey,
  listAccessKeys,
  type Pair,
  setAccessKeyActive,
} from "@/api/iam";
import { t } from "@/i18n";
import { formatTime, isOver } from "@/lib/format";
import { Button } from "@/ui/Button";
import { ConfirmButton } from "@/ui/ConfirmButton";
import { CopyButton } from "@/ui/CopyButton";
import { Dialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { Asked, Badge, Card } from "@/ui/layout";
import { Notice } from "@/ui/Notice";
import { sayError } from "@/ui/toasts";

/** Access keys that IAM lets a user have. */
const KEYS_MAX = 2;

export function AccessKeys({ user }: { user: string }) {
  const key = ["iam", "keys", user];
  const keys = useQuery({ queryKey: key, queryFn: () => listAccessKeys(user) });
  const queries = useQueryClient();
  const reload = () => queries.invalidateQueries({ queryKey: key });
  const [made, setMade] = useState<Pair>();
  const create = async () => {
    setMade(await createAccessKey(user));
    await reload();
  };
  const add = (
    <Button icon={Plus} disabled={(keys.data?.length ?? 0) >= KEYS_MAX} onClick={() => void create().catch(sayError)}>
      {t("Create an access key")}
    </Button>
  );
  return (
    <Card title={t("Access keys")} actions={add}>
      <Asked query={keys}>
        {(list) =>
          list.length === 0 ? (
            <p className="text-sm text-muted">
              {t("None yet: with a key the user can sign in here and use S3 clients.")}
            </p>
          ) : (
            <ul className="flex flex-col gap-3">
              {list.map((one) => (
                <KeyLine key={one.id} user={user} accessKey={one} onChanged={reload} />
              ))}
            </ul>
          )
        }
      </Asked>
      {made && <NewPair pair={made} onClose={() => setMade(undefined)} />}
    </Card>
  );
}

interface KeyLineProps {
  user: string;
  accessKey: AccessKey & { expires?: string };
  onChanged: () => Promise<void>;
  /** What else there is to say of it. */
  children?: ReactNode;
}

/** One key of a user, which can be switched off and deleted. */
export function KeyLine({ user, accessKey, onChanged, children }: KeyLineProps) {
  const { id, active, created } = accessKey;
  const after = (work: Promise<unknown>) => void work.then(onChanged).catch(sayError);
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1.5 text-sm">
      <div className="flex min-w-0 grow flex-wrap items-center gap-x-3 gap-y-1">
        <code className="font-mono wrap-anywhere">{id}</code>
        <KeyBadge accessKey={accessKey} />
        {children}
        <span className="text-muted">{formatTime(created)}</span>
      </div>
      <div className="flex gap-2">
        <Button onClick={() => after(setAccessKeyActive(user, id, !active))}>
          {active ? t("Deactivate") : t("Activate")}
        </Button>
        <ConfirmButton
          action={t("Delete")}
          question={t("Delete the key {id}?", { id })}
          warning={t(
            "Whoever uses it is locked out at once, and its secret does not come back. To try that out, deactivate it first.",
          )}
          onConfirm={() => deleteAccessKey(user, id).then(onChanged)}
        />
      </div>
    </li>
  );
}

function KeyBadge({ accessKey: { active, expires } }: { accessKey: KeyLineProps["accessKey"] }) {
  if (isOver(expires, Date.now())) return <Badge kind="warn">{t("expired")}</Badge>;
  return <Badge kind={active ? "good" : "plain"}>{active ? t("active") : t("inactive")}</Badge>;
}

/** A new pair: its secret is shown now and never again. */
export function NewPair({ pair, onClose }: { pair: Pair; onClose: () => void }) {
  return (
    <Dialog title={t("New access key")} onClose={onClose}>
      <div className="flex flex-col gap-4">
        <Notice kind="warn">{t("Keep the secret now: it is not shown again.")}</Notice>
        {(
          [
            [t("Access key"), pair.id],
            [t("Secret key"), pair.secret],
          ] as const
        ).map(([label, value]) => (
          <div key={label} className="flex items-end gap-2">
            <div className="grow">
              <TextField label={label} value={value} readOnly className="font-mono" />
            </div>
            <CopyButton text={value} label={label} />
          </div>
        ))}
        <div className="flex justify-end">
          <Button kind="primary" onClick={onClose}>
            {t("I have kept it")}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
