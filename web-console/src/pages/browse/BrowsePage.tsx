import { getRouteApi } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { onSessionBack } from "@/api/session";
import { useObservable } from "@/lib/observable";
import type { BrowseSearch } from "@/router";
import { Loading } from "@/ui/layout";
import { uploads } from "@/uploads";
import { Breadcrumbs } from "./Breadcrumbs";
import { DropZone } from "./DropZone";
import { Listing, SORTED_ROWS_MAX, sorted } from "./listing";
import { ObjectList } from "./ObjectList";
import { Toolbar } from "./Toolbar";

const ObjectDetails = lazy(() => import("../object/ObjectDetails"));

const route = getRouteApi("/buckets/$bucket");

/** How long arrivals of uploads are gathered before the list is asked for again. */
const ARRIVALS_MS = 1_500;
/** Rows that are fetched again at once when a listing is asked for anew; further ones come as somebody scrolls. */
const KEPT_ROWS_MAX = 5_000;

export default function BrowsePage() {
  const { bucket } = route.useParams();
  const search = route.useSearch();
  const { prefix = "", begins = "", sort = "name", down = false, object, deleted = false } = search;
  const navigate = route.useNavigate();
  const go = useCallback(
    (change: BrowseSearch) => void navigate({ search: (before) => ({ ...before, ...change }) }),
    [navigate],
  );
  const { listing, place, reload } = useListing(bucket, prefix, begins, deleted);
  const state = useObservable(listing.state);
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => sorted(state.rows, sort, down), [state.rows, sort, down]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: what was selected elsewhere is not here
  useEffect(() => setSelection(new Set()), [place]);
  useEffect(() => {
    if (sort !== "name" || down) void listing.upTo(SORTED_ROWS_MAX);
  }, [listing, sort, down]);

  const open = useCallback(
    (key: string, isFolder: boolean) =>
      isFolder ? go({ prefix: key, begins: undefined, object: undefined }) : go({ object: key }),
    [go],
  );
  const removed = useCallback(
    (keys: ReadonlySet<string>) => {
      listing.remove(keys);
      setSelection(new Set());
    },
    [listing],
  );

  return (
    <DropZone bucket={bucket} prefix={prefix}>
      <div className="flex h-full min-h-0">
        <div className="flex min-w-0 grow flex-col">
          <Breadcrumbs bucket={bucket} prefix={prefix} />
          <Toolbar
            place={{ bucket, prefix }}
            search={search}
            selection={selection}
            onClear={() => setSelection(new Set())}
            onChange={go}
            onReload={reload}
            onRemoved={removed}
          />
          <ObjectList
            listing={listing}
            state={state}
            rows={rows}
            prefix={prefix}
            search={search}
            selection={selection}
            onSelect={setSelection}
            onOpen={open}
            onUp={() => prefix && go({ prefix: prefix.replace(/[^/]*\/$/, "") || undefined })}
            onSort={(by) => go({ sort: by === "name" ? undefined : by, down: (sort === by && !down) || undefined })}
          />
        </div>
        {object && (
          <Suspense fallback={<Loading />}>
            <ObjectDetails
              key={object}
              bucket={bucket}
              objectKey={object}
              onClose={() => go({ object: undefined })}
              onChanged={reload}
              onRenamed={(key) => {
                reload();
                go({ object: key });
              }}
              onRemoved={(keys) => {
                removed(keys);
                go({ object: undefined });
              }}
            />
          </Suspense>
        )}
      </div>
    </DropZone>
  );
}

/** The listing of a place, and a way to ask for it again: by hand, after a change, and when an upload has arrived there. */
function useListing(bucket: string, prefix: string, begins: string, deleted: boolean) {
  const place = useMemo(() => ({ bucket, prefix, begins, deleted }), [bucket, prefix, begins, deleted]);
  const [shown, setShown] = useState(() => ({ place, listing: new Listing(place) }));
  if (shown.place !== place) setShown({ place, listing: new Listing(place) });
  const { listing } = shown;
  const current = useRef(listing);
  useEffect(() => {
    current.current = listing;
    if (listing.state.get().rows.length === 0) void listing.more();
    return () => listing.stop();
  }, [listing]);

  // What is on the screen stays until its successor has as many rows: nobody loses the place where they were.
  const reload = useCallback(async () => {
    const fresh = new Listing(place);
    const rows = current.current.state.get().rows.length;
    await fresh.upTo(Math.max(1, Math.min(rows, KEPT_ROWS_MAX)));
    setShown((old) => (old.place === place ? { place, listing: fresh } : old));
  }, [place]);
  useEffect(() => onSessionBack(() => void reload()), [reload]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    uploads.onArrival = (arrivedIn, key) => {
      if (arrivedIn !== bucket || !key.startsWith(prefix)) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        void reload();
      }, ARRIVALS_MS);
    };
    return () => {
      clearTimeout(timer);
      uploads.onArrival = () => {};
    };
  }, [bucket, prefix, reload]);
  return { listing, place, reload: useCallback(() => void reload(), [reload]) };
}
