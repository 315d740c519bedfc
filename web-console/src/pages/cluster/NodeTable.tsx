import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { addNode, changeNode, listNodes } from "@/api/cluster";
import type { NodeReport } from "@/api/schema";
import { mayAdminister } from "@/api/session";
import { t } from "@/i18n";
import { formatBytes } from "@/lib/format";
import { ActionsHeading } from "@/ui/ActionsHeading";
import { Button } from "@/ui/Button";
import { FormDialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { Asked, Badge, Card } from "@/ui/layout";
import { usePlan } from "./usePlan";

/** The storage nodes; one process that serves its own drives has a single one without an address. */
export function NodeTable() {
  const nodes = useQuery({ queryKey: ["nodes"], queryFn: listNodes, refetchInterval: 5_000 });
  const [adding, setAdding] = useState(false);
  const { ask, dialog } = usePlan();
  const mayChange = mayAdminister("admin:ChangeNodes");
  const add = mayChange && (
    <Button icon={Plus} onClick={() => setAdding(true)}>
      {t("Add a node")}
    </Button>
  );
  return (
    <Card title={t("Nodes")} actions={add} flush>
      <Asked query={nodes}>
        {(list) => (
          <table className="table">
            <thead>
              <tr>
                <th>{t("Address")}</th>
                <th>{t("Zone")}</th>
                <th>{t("State")}</th>
                <th>{t("Drives")}</th>
                <th className="text-right">{t("Free")}</th>
                <ActionsHeading />
              </tr>
            </thead>
            <tbody>
              {list.map((node) => (
                <NodeRow key={node.address} node={node} mayChange={mayChange && node.address !== ""} ask={ask} />
              ))}
            </tbody>
          </table>
        )}
      </Asked>
      {adding && (
        <AddressDialog
          onAddress={(address) => ask(t("Add a node"), addNode(address))}
          onClose={() => setAdding(false)}
        />
      )}
      {dialog}
    </Card>
  );
}

interface NodeRowProps {
  node: NodeReport;
  mayChange: boolean;
  ask: ReturnType<typeof usePlan>["ask"];
}

function NodeRow({ node, mayChange, ask }: NodeRowProps) {
  const { address } = node;
  return (
    <tr>
      <td className="font-mono text-xs">{address || t("this machine")}</td>
      <td>{node.zone ?? "–"}</td>
      <td>
        <Badge kind={node.up ? "good" : "danger"}>{node.up ? t("up") : t("down")}</Badge>
      </td>
      <td>{node.slots?.join(", ")}</td>
      <td className="text-right whitespace-nowrap">
        {t("{free} of {total}", { free: formatBytes(node.free_bytes), total: formatBytes(node.total_bytes) })}
      </td>
      <td>
        {mayChange && (
          <span className="flex gap-2">
            <Button onClick={() => ask(t("Drain {node}", { node: address }), changeNode(address, "drain"))}>
              {t("Drain")}
            </Button>
            <Button onClick={() => ask(t("Remove {node}", { node: address }), changeNode(address, "remove"))}>
              {t("Remove")}
            </Button>
          </span>
        )}
      </td>
    </tr>
  );
}

function AddressDialog({ onAddress, onClose }: { onAddress: (address: string) => void; onClose: () => void }) {
  const [address, setAddress] = useState("");
  return (
    <FormDialog
      title={t("Add a node")}
      action={t("Plan")}
      disabled={!address}
      onSubmit={async () => onAddress(address)}
      onClose={onClose}
    >
      <TextField
        label={t("Address")}
        placeholder="storage-5:9100"
        value={address}
        onChange={(event) => setAddress(event.target.value)}
        required
      />
    </FormDialog>
  );
}
