import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { type Change, makeChange, planChange } from "@/api/cluster";
import type { Plan } from "@/api/schema";
import { sayError } from "@/ui/toasts";
import { PlanDialog } from "./PlanDialog";

interface Planned {
  title: string;
  change: Change;
  plan: Plan;
}

/** Has the server plan a change, shows the plan and makes the change when it is confirmed. */
export function usePlan(): { ask: (title: string, change: Change) => void; dialog: ReactNode } {
  const [planned, setPlanned] = useState<Planned>();
  const queries = useQueryClient();
  const ask = (title: string, change: Change) =>
    void planChange(change).then((plan) => setPlanned({ title, change, plan }), sayError);
  const confirm = async () => {
    if (!planned) return;
    await makeChange(planned.change);
    await queries.invalidateQueries();
  };
  const dialog = planned && (
    <PlanDialog title={planned.title} plan={planned.plan} onConfirm={confirm} onClose={() => setPlanned(undefined)} />
  );
  return { ask, dialog };
}
