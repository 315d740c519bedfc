import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { addAccount, addRootKey, changeRootKey, listAccounts, listRootKeys, removeAccount } from "@/api/accounts";
import type { AccountReport, KeyReport, NewKey } from "@/api/schema";
import { t } from "@/i18n";
import { Button } from "@/ui/Button";
import { ConfirmButton } from "@/ui/ConfirmButton";
import { FormDialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { Asked, Badge, Card } from "@/ui/layout";
import { sayError } from "@/ui/toasts";
import { NewPair } from "./AccessKeys";

async function listAll(): Promise<{ accounts: AccountReport[]; keys: KeyReport[] }> {
  const [accounts, keys] = await Promise.all([listAccounts(), listRootKeys()]);
  return { accounts, keys };
}

/** Accounts, which neither see nor reach each other's buckets, and the access keys of their roots. */
export default function Accounts() {
  const query = useQuery({ queryKey: ["accounts"], queryFn: listAll });
  const queries = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<NewKey>();
  const reload = () => queries.invalidateQueries({ queryKey: ["accounts"] });
  const show = async (work: Promise<NewKey>) => {
    setMade(await work);
    await reload();
  };
  const add = (
    <Button kind="primary" icon={Plus} onClick={() => setAdding(true)}>
      {t("Create an account")}
    </Button>
  );
  return (
    <Card title={t("Accounts and keys")} actions={add}>
      <Asked query={query}>
        {({ accounts, keys }) => (
          <ul className="flex flex-col gap-4">
            {accounts.map((account, index) => (
              <li key={account.id} className="flex flex-col gap-2 rounded-md border border-line p-3 text-sm">
                <div className="flex flex-wrap items-center gap-2">
                  <span className="font-medium">{account.name}</span>
                  <code className="font-mono text-xs">{account.id}</code>
                  <span className="grow text-muted">
                    {account.email} {t("{n} buckets", { n: account.buckets })}
                  </span>
                  <Button onClick={() => void show(addRootKey(account.id)).catch(sayError)}>{t("Create a key")}</Button>
                  {index > 0 && (
                    <ConfirmButton
                      action={t("Remove")}
                      question={t("Remove the account {name}?", { name: account.name })}
                      warning={t("Its users, policies and keys go with it. It must have no bucket.")}
                      onConfirm={() => removeAccount(account.id).then(reload)}
                    />
                  )}
                </div>
                <RootKeys keys={keys.filter((key) => key.account === account.id)} reload={reload} />
              </li>
            ))}
          </ul>
        )}
      </Asked>
      {adding && <AddAccount onAdd={(name, email) => show(addAccount(name, email))} onClose={() => setAdding(false)} />}
      {made && <NewPair pair={{ id: made.access_key, secret: made.secret_key }} onClose={() => setMade(undefined)} />}
    </Card>
  );
}

function RootKeys({ keys, reload }: { keys: KeyReport[]; reload: () => Promise<void> }) {
  const after = (work: Promise<unknown>) => void work.then(reload).catch(sayError);
  return (
    <ul className="flex flex-col gap-1">
      {keys.map(({ access_key, active }) => (
        <li key={access_key} className="flex flex-wrap items-center gap-2">
          <code className="font-mono text-xs">{access_key}</code>
          <Badge kind={active ? "good" : "plain"}>{active ? t("active") : t("inactive")}</Badge>
          <span className="grow" />
          <div className="flex gap-2">
            <Button onClick={() => after(changeRootKey(access_key, active ? "disable" : "enable"))}>
              {active ? t("Deactivate") : t("Activate")}
            </Button>
            <ConfirmButton
              action={t("Delete")}
              question={t("Delete the key {id}?", { id: access_key })}
              warning={t(
                "Whoever uses it is locked out at once, and its secret does not come back. To try that out, deactivate it first.",
              )}
              onConfirm={() => changeRootKey(access_key, "remove").then(reload)}
            />
          </div>
        </li>
      ))}
    </ul>
  );
}

function AddAccount({
  onAdd,
  onClose,
}: {
  onAdd: (name: string, email: string) => Promise<void>;
  onClose: () => void;
}) {
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  return (
    <FormDialog
      title={t("Create an account")}
      action={t("Create")}
      disabled={!name}
      onSubmit={() => onAdd(name, email)}
      onClose={onClose}
    >
      <TextField label={t("Name")} value={name} onChange={(event) => setName(event.target.value)} required />
      <TextField
        label={t("E-mail address")}
        hint={t("ACLs can name the account by it.")}
        type="email"
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
    </FormDialog>
  );
}
