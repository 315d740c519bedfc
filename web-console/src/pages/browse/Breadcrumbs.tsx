import { Link } from "@tanstack/react-router";
import { ChevronRight, Settings } from "lucide-react";
import { t } from "@/i18n";
import { ancestorsOf } from "@/lib/keys";
import { buttonClass } from "@/ui/Button";
import { usePageTitle } from "@/ui/layout";

export function Breadcrumbs({ bucket, prefix }: { bucket: string; prefix: string }) {
  const steps = [{ name: bucket, prefix: "" }, ...ancestorsOf(prefix)];
  return (
    <div className="flex items-center gap-2 px-4 pt-3">
      <h1 ref={usePageTitle()} className="sr-only">
        {t("Objects of {bucket}", { bucket })}
      </h1>
      <nav aria-label={t("Folders")} className="min-w-0 grow">
        <ol className="flex flex-wrap items-center gap-1">
          <li>
            <Link to="/buckets" className="link">
              {t("Buckets")}
            </Link>
          </li>
          {steps.map((step, index) => (
            <li key={step.prefix} className="flex min-w-0 items-center gap-1">
              <ChevronRight size={16} aria-hidden className="shrink-0 text-muted" />
              <Step bucket={bucket} {...step} isLast={index === steps.length - 1} />
            </li>
          ))}
        </ol>
      </nav>
      <Link
        to="/buckets/$bucket/settings/$section"
        params={{ bucket, section: "overview" }}
        aria-label={t("Settings of {bucket}", { bucket })}
        title={t("Settings of {bucket}", { bucket })}
        className={buttonClass("quiet")}
      >
        <Settings size={18} aria-hidden />
      </Link>
    </div>
  );
}

interface StepProps {
  bucket: string;
  name: string;
  prefix: string;
  isLast: boolean;
}

function Step({ bucket, name, prefix, isLast }: StepProps) {
  if (isLast)
    return (
      <span aria-current="location" className="min-w-0 font-semibold wrap-anywhere">
        {name}
      </span>
    );
  return (
    <Link
      to="/buckets/$bucket"
      params={{ bucket }}
      search={{ prefix: prefix || undefined }}
      className="link wrap-anywhere"
    >
      {name}
    </Link>
  );
}
