import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { folderOf } from "@/lib/keys";

/** Leads to an object, within the folder that it is in. */
export function ObjectLink({
  bucket,
  objectKey,
  children,
}: {
  bucket: string;
  objectKey: string;
  children: ReactNode;
}) {
  return (
    <Link
      to="/buckets/$bucket"
      params={{ bucket }}
      search={{ prefix: folderOf(objectKey) || undefined, object: objectKey }}
      className="link wrap-anywhere"
    >
      {children}
    </Link>
  );
}
