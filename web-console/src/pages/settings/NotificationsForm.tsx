import { useQuery } from "@tanstack/react-query";
import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { getNotifications, type Notification, putNotifications } from "@/api/bucket-config";
import { listEventTargets } from "@/api/cluster";
import { mayAdminister } from "@/api/session";
import { t } from "@/i18n";
import { Button } from "@/ui/Button";
import { CheckField, TextField } from "@/ui/Field";
import { SaveForm } from "@/ui/SaveForm";
import { Section } from "./Section";

const EVENTS = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*", "s3:LifecycleExpiration:*"] as const;

export default function NotificationsForm({ bucket }: { bucket: string }) {
  return (
    <Section
      title={t("Notifications")}
      about={t(
        "Tells a webhook of what changes here. The operator names webhooks in the server's configuration; each has an ARN.",
      )}
      bucket={bucket}
      document="notification"
      read={getNotifications}
    >
      {(value, reload) => <Form bucket={bucket} value={value} reload={reload} />}
    </Section>
  );
}

interface FormProps {
  bucket: string;
  value: Notification[];
  reload: () => Promise<void>;
}

function Form({ bucket, value, reload }: FormProps) {
  const [list, setList] = useState(value);
  const targets = useQuery({
    queryKey: ["events"],
    queryFn: listEventTargets,
    enabled: mayAdminister("admin:ListEvents"),
  });
  const arns = (targets.data ?? []).map(({ arn }) => arn);
  const change = (index: number, part: Partial<Notification>) =>
    setList(list.map((old, at) => (at === index ? { ...old, ...part } : old)));
  const add = () =>
    setList([...list, { id: "", queue: arns[0] ?? "", events: ["s3:ObjectCreated:*"], prefix: "", suffix: "" }]);
  const save = async () => {
    await putNotifications(bucket, list);
    await reload();
  };
  return (
    <SaveForm
      onSave={save}
      extra={
        <Button icon={Plus} onClick={add}>
          {t("Add a target")}
        </Button>
      }
    >
      <datalist id="event-targets">
        {arns.map((arn) => (
          <option key={arn} value={arn} />
        ))}
      </datalist>
      {list.map((notification, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: those that are new have no name yet
        <fieldset key={index} className="flex flex-col gap-3 rounded-md border border-line p-3">
          <legend className="px-1 text-sm font-medium">{t("Target {n}", { n: index + 1 })}</legend>
          <TextField
            label={t("ARN of the target")}
            list="event-targets"
            placeholder="arn:aws:sqs:local:000000000000:webhook"
            value={notification.queue}
            onChange={(event) => change(index, { queue: event.target.value })}
            required
          />
          <div className="flex flex-wrap gap-4">
            {EVENTS.map((event) => (
              <CheckField
                key={event}
                label={event}
                checked={notification.events.includes(event)}
                onChange={(on) =>
                  change(index, {
                    events: on
                      ? [...notification.events, event]
                      : notification.events.filter((other) => other !== event),
                  })
                }
              />
            ))}
          </div>
          <div className="grid gap-3 sm:grid-cols-2">
            <TextField
              label={t("Only keys that begin with")}
              value={notification.prefix}
              onChange={(event) => change(index, { prefix: event.target.value })}
            />
            <TextField
              label={t("Only keys that end with")}
              value={notification.suffix}
              onChange={(event) => change(index, { suffix: event.target.value })}
            />
          </div>
          <div>
            <Button icon={Trash2} onClick={() => setList(list.filter((_, at) => at !== index))}>
              {t("Remove")}
            </Button>
          </div>
        </fieldset>
      ))}
    </SaveForm>
  );
}
