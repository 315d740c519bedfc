import type { Plan } from "@/api/schema";
import { formatNumber, t } from "@/i18n";
import { formatBytes, formatDuration } from "@/lib/format";
import { FormDialog } from "@/ui/Dialog";
import { Facts } from "@/ui/layout";
import { Notice } from "@/ui/Notice";

interface PlanDialogProps {
  title: string;
  plan: Plan;
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
}

/** What a change would move, how long it takes and how safe data is meanwhile; it is made only then. */
export function PlanDialog({ title, plan, onConfirm, onClose }: PlanDialogProps) {
  const { notes = [] } = plan;
  return (
    <FormDialog title={title} action={t("Do it")} onSubmit={onConfirm} onClose={onClose}>
      <Facts
        items={[
          [
            t("To move"),
            t("{size} in {n} shards", { size: formatBytes(plan.bytes_to_move), n: formatNumber(plan.shards_to_move) }),
          ],
          plan.seconds > 0 && [t("Takes about"), formatDuration(plan.seconds)],
          [t("Safety now"), plan.now],
          [t("Meanwhile"), plan.during],
          [t("Afterwards"), plan.after],
        ]}
      />
      {notes.length > 0 && (
        <Notice kind="info">
          <ul>
            {notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </Notice>
      )}
    </FormDialog>
  );
}
