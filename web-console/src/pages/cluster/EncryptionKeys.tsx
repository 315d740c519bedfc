import { useQuery, useQueryClient } from "@tanstack/react-query";
import { EllipsisVertical, KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { changeEncryptionKey, createEncryptionKey, listEncryptionKeys } from "@/api/cluster";
import type { EncryptionKey } from "@/api/schema";
import { mayAdminister } from "@/api/session";
import { t } from "@/i18n";
import { ActionsHeading } from "@/ui/ActionsHeading";
import { Button, IconButton } from "@/ui/Button";
import { FormDialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { Asked, Badge, Card, Empty } from "@/ui/layout";
import { Menu } from "@/ui/Menu";
import { Notice } from "@/ui/Notice";
import { say, sayError } from "@/ui/toasts";

const STATES = {
  enabled: { kind: "good", text: () => t("enabled") },
  disabled: { kind: "plain", text: () => t("disabled") },
  "pending-deletion": { kind: "warn", text: () => t("to be deleted") },
  deleted: { kind: "danger", text: () => t("deleted") },
  unknown: { kind: "plain", text: () => t("of a newer server") },
} as const;

/** The named keys that buckets may encrypt under. */
export function EncryptionKeys() {
  const keys = useQuery({ queryKey: ["keyring"], queryFn: listEncryptionKeys });
  const queries = useQueryClient();
  const [making, setMaking] = useState(false);
  const [doomed, setDoomed] = useState<string>();
  const reload = () => queries.invalidateQueries({ queryKey: ["keyring"] });
  const change = async (id: string, what: Parameters<typeof changeEncryptionKey>[1]) => {
    await changeEncryptionKey(id, what);
    await reload();
    say(t("Done"));
  };
  const mayChange = mayAdminister("admin:ChangeEncryptionKeys");
  const add = mayChange && (
    <Button icon={Plus} onClick={() => setMaking(true)}>
      {t("Create a key")}
    </Button>
  );
  const items = ({ id, state }: EncryptionKey) => {
    const item = (label: string, what: Parameters<typeof changeEncryptionKey>[1]) => ({
      label,
      onSelect: () => void change(id, what).catch(sayError),
    });
    if (state === "pending-deletion") return [item(t("Keep it after all"), "keep")];
    return [
      item(t("Rotate"), "rotate"),
      state === "enabled" ? item(t("Disable"), "disable") : item(t("Enable"), "enable"),
      { label: t("Delete"), danger: true, onSelect: () => setDoomed(id) },
    ];
  };
  return (
    <Card title={t("Encryption keys")} actions={add} flush>
      <Asked query={keys}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={KeyRound} title={t("No named key yet")}>
              <p>
                {t(
                  "Buckets that are encrypted with SSE-KMS name one. The server makes one itself when SSE-S3 is used first.",
                )}
              </p>
            </Empty>
          ) : (
            <table className="table">
              <thead>
                <tr>
                  <th>{t("Name")}</th>
                  <th>{t("State")}</th>
                  <th className="hidden sm:table-cell">{t("Created")}</th>
                  <th className="hidden sm:table-cell">{t("Versions")}</th>
                  <ActionsHeading />
                </tr>
              </thead>
              <tbody>
                {list.map((key) => (
                  <tr key={key.id}>
                    <td className="wrap-anywhere">{key.id}</td>
                    <td>
                      <Badge kind={STATES[key.state].kind}>{STATES[key.state].text()}</Badge> {key.deletion}
                    </td>
                    <td className="hidden sm:table-cell">{key.created}</td>
                    <td className="hidden sm:table-cell">{key.versions}</td>
                    <td className="py-0.5! text-right">
                      {mayChange && key.state !== "deleted" && (
                        <Menu
                          trigger={
                            <IconButton icon={EllipsisVertical} label={t("Change key {name}", { name: key.id })} />
                          }
                          items={items(key)}
                        />
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Asked>
      {making && <CreateKey onCreated={reload} onClose={() => setMaking(false)} />}
      {doomed && (
        <FormDialog
          title={t("Delete the key {name}?", { name: doomed })}
          action={t("Delete in 30 days")}
          actionKind="danger"
          onSubmit={() => change(doomed, "delete")}
          onClose={() => setDoomed(undefined)}
        >
          <Notice kind="warn">
            {t("Everything that is encrypted under it is lost then. Until that day it can be kept after all.")}
          </Notice>
        </FormDialog>
      )}
    </Card>
  );
}

function CreateKey({ onCreated, onClose }: { onCreated: () => Promise<void>; onClose: () => void }) {
  const [id, setId] = useState("");
  const submit = async () => {
    await createEncryptionKey(id);
    await onCreated();
  };
  return (
    <FormDialog title={t("Create a key")} action={t("Create")} disabled={!id} onSubmit={submit} onClose={onClose}>
      <TextField label={t("Name")} value={id} onChange={(event) => setId(event.target.value)} required />
    </FormDialog>
  );
}
