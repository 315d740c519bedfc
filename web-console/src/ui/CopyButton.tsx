import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { t } from "@/i18n";
import { copyText } from "@/lib/copy";
import { Button, type ButtonKind } from "./Button";
import { sayError } from "./toasts";

/** How long the button says that it has copied. */
const SAID_MS = 3_000;

interface CopyButtonProps {
  text: string;
  /** What is copied, for those who do not see what stands beside the button. */
  label: string;
  kind?: ButtonKind;
}

/** Puts a text on the clipboard and says so itself: messages at the foot of the page are behind a dialog. */
export function CopyButton({ text, label, kind }: CopyButtonProps) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await copyText(text);
    setDone(true);
    setTimeout(() => setDone(false), SAID_MS);
  };
  return (
    <Button kind={kind} icon={done ? Check : Copy} onClick={() => void copy().catch(sayError)}>
      <span role="status">{done ? t("Copied") : t("Copy")}</span>
      <span className="sr-only">{label}</span>
    </Button>
  );
}
