import { useState } from "react";
import { Button } from "./Button";
import { FormDialog } from "./Dialog";

interface ConfirmButtonProps {
  /** The word on the button, and on the one that does it. */
  action: string;
  question: string;
  warning: string;
  onConfirm: () => Promise<unknown>;
}

/** A button for what cannot be taken back: it asks before. */
export function ConfirmButton({ action, question, warning, onConfirm }: ConfirmButtonProps) {
  const [asked, setAsked] = useState(false);
  return (
    <>
      <Button kind="risky" onClick={() => setAsked(true)}>
        {action}
      </Button>
      {asked && (
        <FormDialog
          title={question}
          action={action}
          actionKind="danger"
          onSubmit={onConfirm}
          onClose={() => setAsked(false)}
        >
          <p>{warning}</p>
        </FormDialog>
      )}
    </>
  );
}
