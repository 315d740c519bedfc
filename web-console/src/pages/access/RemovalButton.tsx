import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { t } from "@/i18n";
import { Button } from "@/ui/Button";
import { FormDialog } from "@/ui/Dialog";

interface RemovalButtonProps {
  /** The question that is asked before. */
  question: string;
  warning: string;
  remove: () => Promise<unknown>;
  /** Where to go afterwards. */
  section: string;
}

/** Deletes what a page is about, after a question. */
export function RemovalButton({ question, warning, remove, section }: RemovalButtonProps) {
  const [asked, setAsked] = useState(false);
  const navigate = useNavigate();
  const submit = async () => {
    await remove();
    await navigate({ to: "/access/$section", params: { section } });
  };
  return (
    <>
      <Button kind="danger" onClick={() => setAsked(true)}>
        {t("Delete")}
      </Button>
      {asked && (
        <FormDialog
          title={question}
          action={t("Delete")}
          actionKind="danger"
          onSubmit={submit}
          onClose={() => setAsked(false)}
        >
          <p>{warning}</p>
        </FormDialog>
      )}
    </>
  );
}
