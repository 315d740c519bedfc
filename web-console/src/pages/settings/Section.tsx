import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Asked, Card } from "@/ui/layout";

interface SectionProps<T> {
  title: string;
  about: ReactNode;
  bucket: string;
  /** The document that the section is of; the key under which it is remembered. */
  document: string;
  read: (bucket: string) => Promise<T>;
  children: (value: T, reload: () => Promise<void>) => ReactNode;
}

/** A section of a bucket's settings: what it is for, and the form of one document. */
export function Section<T>({ title, about, bucket, document, read, children }: SectionProps<T>) {
  const key = ["bucket", bucket, document];
  const query = useQuery({
    queryKey: key,
    queryFn: () => read(bucket),
    // What somebody is typing is not thrown away.
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  const queries = useQueryClient();
  const reload = async () => {
    await queries.invalidateQueries({ queryKey: key });
    await queries.invalidateQueries({ queryKey: ["buckets"] });
  };
  return (
    <Card title={title}>
      <div className="flex flex-col gap-4">
        <p className="max-w-2xl text-sm text-muted">{about}</p>
        {/* What the server has now is what the form begins with: it is made anew when that changes. */}
        <Asked query={query}>{(value) => <div key={query.dataUpdatedAt}>{children(value, reload)}</div>}</Asked>
      </div>
    </Card>
  );
}
