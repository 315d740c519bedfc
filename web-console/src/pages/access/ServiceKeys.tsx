import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { createServiceKey, listServiceKeys, type NewServiceKey, type Pair } from "@/api/iam";
import { t } from "@/i18n";
import { formatTime } from "@/lib/format";
import { PolicyEditor } from "@/policy/PolicyEditor";
import { identityTemplates } from "@/policy/templates";
import { Button } from "@/ui/Button";
import { FormDialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { Asked, Badge, Card } from "@/ui/layout";
import { KeyLine, NewPair } from "./AccessKeys";

/** Keys for programs: they may do less than the user whose they are, and can have an end. */
export function ServiceKeys({ user }: { user: string }) {
  const key = ["iam", "service-keys", user];
  const keys = useQuery({ queryKey: key, queryFn: () => listServiceKeys(user) });
  const queries = useQueryClient();
  const reload = () => queries.invalidateQueries({ queryKey: key });
  const [creating, setCreating] = useState(false);
  const [made, setMade] = useState<Pair>();
  const create = async (wanted: NewServiceKey) => {
    setMade(await createServiceKey(user, wanted));
    await reload();
  };
  const add = (
    <Button icon={Plus} onClick={() => setCreating(true)}>
      {t("Create a key for a program")}
    </Button>
  );
  return (
    <Card title={t("Keys for programs")} actions={add}>
      <Asked query={keys}>
        {(list) =>
          list.length === 0 ? (
            <p className="text-sm text-muted">
              {t("None yet: such a key may do less than the user, and can have an end.")}
            </p>
          ) : (
            <ul className="flex flex-col gap-3">
              {list.map((one) => (
                <KeyLine key={one.id} user={user} accessKey={one} onChanged={reload}>
                  <span className="font-medium wrap-anywhere">{one.name}</span>
                  {one.policy && <Badge>{t("policy of its own")}</Badge>}
                  {one.expires && <span>{t("until {time}", { time: formatTime(one.expires) })}</span>}
                </KeyLine>
              ))}
            </ul>
          )
        }
      </Asked>
      {creating && <CreateDialog onCreate={create} onClose={() => setCreating(false)} />}
      {made && <NewPair pair={made} onClose={() => setMade(undefined)} />}
    </Card>
  );
}

function CreateDialog({
  onCreate,
  onClose,
}: {
  onCreate: (wanted: NewServiceKey) => Promise<void>;
  onClose: () => void;
}) {
  const [name, setName] = useState("");
  const [day, setDay] = useState("");
  const [policy, setPolicy] = useState("");
  const submit = () => onCreate({ name, policy, expires: day && `${day}T00:00:00Z` });
  return (
    <FormDialog
      title={t("Create a key for a program")}
      action={t("Create")}
      disabled={!name}
      onSubmit={submit}
      onClose={onClose}
      size="large"
    >
      <TextField label={t("Name")} value={name} onChange={(event) => setName(event.target.value)} required />
      <TextField
        label={t("Ends on")}
        hint={t("Empty for no end.")}
        type="date"
        value={day}
        onChange={(event) => setDay(event.target.value)}
      />
      <PolicyEditor
        label={t("Policy that bounds it; empty for all that the user may do")}
        kind="identity"
        value={policy}
        onChange={setPolicy}
        templates={identityTemplates()}
      />
    </FormDialog>
  );
}
