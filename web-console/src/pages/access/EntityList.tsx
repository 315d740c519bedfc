import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type LucideIcon, Plus } from "lucide-react";
import { type ReactNode, useState } from "react";
import { t } from "@/i18n";
import { formatTime } from "@/lib/format";
import { Button } from "@/ui/Button";
import { FormDialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { Asked, Card, Empty } from "@/ui/layout";

interface Entity {
  name: string;
  arn: string;
  created: string;
}

interface EntityListProps {
  section: "users" | "groups" | "roles";
  title: string;
  icon: LucideIcon;
  /** What they are good for, for who has none yet. */
  about: ReactNode;
  createTitle: string;
  list: () => Promise<Entity[]>;
  create: (name: string) => Promise<unknown>;
}

/** Users, groups or roles: a list, and a way to make one more. */
export function EntityList({ section, title, icon, about, createTitle, list, create }: EntityListProps) {
  const entities = useQuery({ queryKey: ["iam", section], queryFn: list });
  const [creating, setCreating] = useState(false);
  const add = (
    <Button kind="primary" icon={Plus} onClick={() => setCreating(true)}>
      {createTitle}
    </Button>
  );
  return (
    <Card title={title} actions={add} flush>
      <Asked query={entities}>
        {(found) =>
          found.length > 0 ? (
            <Table section={section} entities={found} />
          ) : (
            <Empty icon={icon} title={t("None yet")}>
              {about}
            </Empty>
          )
        }
      </Asked>
      {creating && (
        <CreateDialog section={section} title={createTitle} create={create} onClose={() => setCreating(false)} />
      )}
    </Card>
  );
}

function Table({ section, entities }: { section: string; entities: Entity[] }) {
  return (
    <table className="table">
      <thead>
        <tr>
          <th>{t("Name")}</th>
          <th className="hidden lg:table-cell">ARN</th>
          <th>{t("Created")}</th>
        </tr>
      </thead>
      <tbody>
        {entities.map(({ name, arn, created }) => (
          <tr key={arn}>
            <td>
              <Link to="/access/$section/$name" params={{ section, name }} className="link font-medium wrap-anywhere">
                {name}
              </Link>
            </td>
            <td className="hidden font-mono text-xs lg:table-cell">{arn}</td>
            <td className="whitespace-nowrap">{formatTime(created)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface CreateDialogProps {
  section: string;
  title: string;
  create: (name: string) => Promise<unknown>;
  onClose: () => void;
}

function CreateDialog({ section, title, create, onClose }: CreateDialogProps) {
  const [name, setName] = useState("");
  const queries = useQueryClient();
  const navigate = useNavigate();
  const submit = async () => {
    await create(name);
    await queries.invalidateQueries({ queryKey: ["iam", section] });
    // By itself it may do nothing: keys, members and policies come next.
    await navigate({ to: "/access/$section/$name", params: { section, name } });
  };
  return (
    <FormDialog
      title={title}
      action={t("Create")}
      disabled={!/^[\w+=,.@-]{1,64}$/.test(name)}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField
        label={t("Name")}
        hint={t("Letters, digits and + = , . @ _ -")}
        value={name}
        onChange={(event) => setName(event.target.value)}
        autoCapitalize="off"
        required
      />
    </FormDialog>
  );
}
