import { useNavigate, useParams } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { t } from "@/i18n";

/** Finds objects by a part of their key, in the bucket that is open or in all; `/` leads here. */
export function SearchBox() {
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const { bucket } = useParams({ strict: false });
  const navigate = useNavigate();
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select, dialog");
      if (event.key !== "/" || typing) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void navigate({ to: "/search", search: { q: text, bucket } });
  };
  return (
    <search className="mx-auto min-w-0 max-w-md grow">
      <form onSubmit={submit} className="relative">
        <Search size={16} aria-hidden className="absolute top-2.5 left-2.5 text-muted" />
        <input
          ref={input}
          value={text}
          onChange={(event) => setText(event.target.value)}
          aria-label={bucket ? t("Search in {bucket}", { bucket }) : t("Search in all buckets")}
          placeholder={bucket ? t("Search in {bucket}", { bucket }) : t("Search in all buckets")}
          className="control pl-8"
        />
      </form>
    </search>
  );
}
