import { useNavigate } from "@tanstack/react-router";
import { t } from "@/i18n";
import { ConfirmButton } from "@/ui/ConfirmButton";

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
  const navigate = useNavigate();
  const confirmed = async () => {
    await remove();
    await navigate({ to: "/access/$section", params: { section } });
  };
  return <ConfirmButton action={t("Delete")} question={question} warning={warning} onConfirm={confirmed} />;
}
