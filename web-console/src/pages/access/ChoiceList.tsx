import { useQuery, useQueryClient } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useId, useState } from "react";
import { t } from "@/i18n";
import { Button, IconButton } from "@/ui/Button";
import { Asked, Card } from "@/ui/layout";
import { sayError } from "@/ui/toasts";

interface Choice {
  id: string;
  name: string;
}

interface ChoiceListProps {
  title: string;
  empty: string;
  /** The word for adding one. */
  action: string;
  queryKey: readonly string[];
  chosen: () => Promise<Choice[]>;
  all: () => Promise<Choice[]>;
  add: (id: string) => Promise<unknown>;
  remove: (id: string) => Promise<unknown>;
}

/** Some of many, to which one can be added and from which one can be taken: groups, members, policies. */
export function ChoiceList({ title, empty, action, queryKey, chosen, all, add, remove }: ChoiceListProps) {
  const id = useId();
  const now = useQuery({ queryKey: [...queryKey, "chosen"], queryFn: chosen });
  const every = useQuery({ queryKey: [...queryKey, "all"], queryFn: all });
  const queries = useQueryClient();
  const [picked, setPicked] = useState("");
  const after = (work: Promise<unknown>) =>
    void work
      .then(() => queries.invalidateQueries({ queryKey }))
      .then(() => setPicked(""))
      .catch(sayError);
  const free = (every.data ?? []).filter((choice) => !now.data?.some((other) => other.id === choice.id));
  return (
    <Card title={title}>
      <Asked query={now}>
        {(list) => (
          <div className="flex flex-col gap-3">
            {list.length === 0 && <p className="text-sm text-muted">{empty}</p>}
            <ul className="flex flex-wrap gap-2">
              {list.map((choice) => (
                <li
                  key={choice.id}
                  className="flex items-center rounded-md border border-line pl-3 text-sm"
                  title={choice.id}
                >
                  {choice.name}
                  <IconButton
                    icon={X}
                    label={t("Take {name} away", { name: choice.name })}
                    onClick={() => after(remove(choice.id))}
                  />
                </li>
              ))}
            </ul>
            <div className="flex max-w-md gap-2">
              <select
                id={id}
                aria-label={action}
                value={picked}
                onChange={(event) => setPicked(event.target.value)}
                className="control"
              >
                <option value="">{t("Choose …")}</option>
                {free.map((choice) => (
                  <option key={choice.id} value={choice.id}>
                    {choice.name}
                  </option>
                ))}
              </select>
              <Button disabled={!picked} onClick={() => after(add(picked))}>
                {action}
              </Button>
            </div>
          </div>
        )}
      </Asked>
    </Card>
  );
}
