import { EllipsisVertical, HardDrive, Plus } from "lucide-react";
import { useState } from "react";
import { addDrive, changeDrive, replaceDrive } from "@/api/cluster";
import type { DriveReport } from "@/api/schema";
import { mayAdminister } from "@/api/session";
import { t } from "@/i18n";
import { formatBytes } from "@/lib/format";
import { Button, IconButton } from "@/ui/Button";
import { FormDialog } from "@/ui/Dialog";
import { TextField } from "@/ui/Field";
import { Badge, Card, Meter } from "@/ui/layout";
import { Menu } from "@/ui/Menu";
import { usePlan } from "./usePlan";

const STATES = {
  active: { kind: "good", text: () => t("in order") },
  draining: { kind: "warn", text: () => t("draining") },
  refilling: { kind: "warn", text: () => t("filling up") },
  down: { kind: "danger", text: () => t("down") },
  unknown: { kind: "plain", text: () => t("of a newer server") },
} as const;

/** Where a drive that is added or replaces another one is. */
type Asked = { title: string; change: (location: string) => ReturnType<typeof addDrive> };

/** Every drive with its state and how full it is. */
export function DriveCards({ drives }: { drives: DriveReport[] }) {
  const [asked, setAsked] = useState<Asked>();
  const { ask, dialog } = usePlan();
  const mayChange = mayAdminister("admin:ChangeDrives");
  const add = mayChange && (
    <Button icon={Plus} onClick={() => setAsked({ title: t("Add a drive"), change: addDrive })}>
      {t("Add a drive")}
    </Button>
  );
  return (
    <Card title={t("Drives")} actions={add}>
      <ul className="grid gap-3 sm:grid-cols-2 xl:grid-cols-4">
        {drives.map((drive) => (
          <li key={drive.slot} className="flex flex-col gap-2 rounded-md border border-line p-3">
            <div className="flex items-center gap-2">
              <HardDrive size={18} aria-hidden className="shrink-0 text-muted" />
              <span className="grow font-medium">{t("Drive {slot}", { slot: drive.slot })}</span>
              <DriveState drive={drive} />
              {mayChange && (
                <Menu
                  trigger={
                    <IconButton icon={EllipsisVertical} label={t("Change drive {slot}", { slot: drive.slot })} />
                  }
                  items={[
                    {
                      label: t("Drain"),
                      onSelect: () =>
                        ask(t("Drain drive {slot}", { slot: drive.slot }), changeDrive(drive.slot, "drain")),
                    },
                    { label: t("Replace"), onSelect: () => setAsked(replacement(drive)) },
                    {
                      label: t("Remove"),
                      danger: true,
                      onSelect: () =>
                        ask(t("Remove drive {slot}", { slot: drive.slot }), changeDrive(drive.slot, "remove")),
                    },
                  ]}
                />
              )}
            </div>
            <p className="font-mono text-xs wrap-anywhere text-muted">
              {drive.label}
              {drive.zone && ` · ${drive.zone}`}
            </p>
            <Meter
              label={t("Drive {slot} in use", { slot: drive.slot })}
              part={drive.total_bytes - drive.free_bytes}
              whole={drive.total_bytes}
            />
            <p className="text-sm text-muted">
              {t("{free} free of {total}", {
                free: formatBytes(drive.free_bytes),
                total: formatBytes(drive.total_bytes),
              })}
            </p>
            <p className="-mt-2 text-sm text-muted">
              {drive.held_bytes != null && t("{size} of shards", { size: formatBytes(drive.held_bytes) })}
            </p>
          </li>
        ))}
      </ul>
      {asked && (
        <LocationDialog
          title={asked.title}
          onLocation={(location) => ask(asked.title, asked.change(location))}
          onClose={() => setAsked(undefined)}
        />
      )}
      {dialog}
    </Card>
  );
}

const replacement = ({ slot }: DriveReport): Asked => ({
  title: t("Replace drive {slot}", { slot }),
  change: (location) => replaceDrive(slot, location),
});

function DriveState({ drive }: { drive: DriveReport }) {
  const state = STATES[drive.state ?? (drive.up ? "active" : "down")];
  return <Badge kind={state.kind}>{state.text()}</Badge>;
}

interface LocationDialogProps {
  title: string;
  onLocation: (location: string) => void;
  onClose: () => void;
}

function LocationDialog({ title, onLocation, onClose }: LocationDialogProps) {
  const [location, setLocation] = useState("");
  return (
    <FormDialog
      title={title}
      action={t("Plan")}
      disabled={!location}
      onSubmit={async () => onLocation(location)}
      onClose={onClose}
    >
      <TextField
        label={t("Where the drive is")}
        hint={t("A folder of the server's machine, or HOST:PORT:/FOLDER of a storage node.")}
        value={location}
        onChange={(event) => setLocation(event.target.value)}
        required
      />
    </FormDialog>
  );
}
