import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { SearchX } from "lucide-react";
import { type FormEvent, useMemo, useRef } from "react";
import { bucketsQuery } from "@/api/admin";
import { type SearchAsk, searchBucket } from "@/api/s3";
import type { BucketUsage } from "@/api/schema";
import { count, t } from "@/i18n";
import { formatBytes, formatTime } from "@/lib/format";
import type { SearchSearch } from "@/router";
import { Button } from "@/ui/Button";
import { SelectField, TextField } from "@/ui/Field";
import { Asked, Card, Empty, Page } from "@/ui/layout";
import { Notice } from "@/ui/Notice";
import { ObjectLink } from "@/ui/ObjectLink";

const route = getRouteApi("/search");

interface Hit {
  bucket: string;
  key: string;
  size: number;
  last_modified: string;
}

interface ResultPage {
  hits: Hit[];
  /** The search index of some bucket has not seen everything yet. */
  behind: boolean;
  /** Where each bucket goes on; those that are done are not among them. */
  next: Record<string, string>;
}

/** Asks every bucket for its next hits. */
async function searchAll(
  buckets: readonly string[],
  ask: SearchAsk,
  tokens?: Record<string, string>,
): Promise<ResultPage> {
  const page: ResultPage = { hits: [], behind: false, next: {} };
  const asked = tokens ? Object.keys(tokens) : buckets;
  const found = await Promise.all(
    asked.map(async (bucket) => ({ bucket, result: await searchBucket(bucket, { ...ask, token: tokens?.[bucket] }) })),
  );
  for (const { bucket, result } of found) {
    page.hits.push(...result.objects.map((object) => ({ bucket, ...object })));
    page.behind ||= !result.index.complete || result.index.pending > 0;
    if (result.next_continuation_token) page.next[bucket] = result.next_continuation_token;
  }
  return page;
}

export default function SearchPage() {
  const buckets = useQuery(bucketsQuery);
  return (
    <Page title={t("Search")}>
      <Asked query={buckets}>{(list) => <Search buckets={list} />}</Asked>
    </Page>
  );
}

function Search({ buckets }: { buckets: BucketUsage[] }) {
  const search = route.useSearch();
  const searched = buckets.filter(({ name, searchable }) => searchable && (!search.bucket || name === search.bucket));
  const unsearched = buckets.filter(
    ({ name, searchable }) => !searchable && (!search.bucket || name === search.bucket),
  );
  return (
    <>
      <SearchForm key={JSON.stringify(search)} search={search} buckets={buckets} />
      {unsearched.length > 0 && <Unsearched buckets={unsearched.map(({ name }) => name)} />}
      {searched.length > 0 && (search.q || search.tag || search.metadata) && (
        <Results buckets={searched.map(({ name }) => name)} search={search} />
      )}
    </>
  );
}

function Unsearched({ buckets }: { buckets: string[] }) {
  return (
    <Notice kind="info">
      <p>{t("These buckets have no search index; their settings can make one:")}</p>
      <ul className="mt-1 flex flex-wrap gap-x-4">
        {buckets.map((bucket) => (
          <li key={bucket}>
            <Link
              to="/buckets/$bucket/settings/$section"
              params={{ bucket, section: "overview" }}
              className="link underline"
            >
              {bucket}
            </Link>
          </li>
        ))}
      </ul>
    </Notice>
  );
}

function SearchForm({ search, buckets }: { search: SearchSearch; buckets: BucketUsage[] }) {
  const navigate = route.useNavigate();
  const form = useRef<HTMLFormElement>(null);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const value = (name: string) => String(given.get(name) ?? "") || undefined;
    void navigate({
      search: { q: value("q"), bucket: value("bucket"), tag: value("tag"), metadata: value("metadata") },
    });
  };
  return (
    <Card>
      <form ref={form} onSubmit={submit} className="grid items-start gap-4 sm:grid-cols-2">
        <TextField label={t("Part of the key")} name="q" defaultValue={search.q} />
        <SelectField
          label={t("Bucket")}
          name="bucket"
          defaultValue={search.bucket ?? ""}
          onChange={() => form.current?.requestSubmit()}
          options={[["", t("all")], ...buckets.map(({ name }) => [name, name] as const)]}
        />
        <TextField label={t("Tag")} name="tag" placeholder="project=holdfast" defaultValue={search.tag} />
        <TextField label={t("Metadata")} name="metadata" placeholder="author=anna" defaultValue={search.metadata} />
        <div>
          <Button type="submit" kind="primary">
            {t("Search")}
          </Button>
        </div>
      </form>
    </Card>
  );
}

function Results({ buckets, search }: { buckets: string[]; search: SearchSearch }) {
  const { q = "", tag, metadata } = search;
  const results = useInfiniteQuery({
    queryKey: ["search", buckets, search],
    queryFn: ({ pageParam }) => searchAll(buckets, { q, tag, metadata }, pageParam),
    initialPageParam: undefined as Record<string, string> | undefined,
    getNextPageParam: ({ next }) => (Object.keys(next).length > 0 ? next : undefined),
    // Found again once the index has seen what came just now.
    refetchInterval: (query) => (query.state.data?.pages[0]?.behind ? 2_000 : false),
  });
  const hits = useMemo(() => results.data?.pages.flatMap((page) => page.hits) ?? [], [results.data]);
  return (
    <Asked query={results}>
      {({ pages }) => (
        <Card title={count(hits.length, "{n} object found", "{n} objects found")} flush>
          {pages[0]?.behind && <Notice kind="info">{t("The index is catching up with what changed just now.")}</Notice>}
          {hits.length > 0 ? <HitTable hits={hits} /> : <NothingFound />}
          {results.hasNextPage && (
            <div className="p-3">
              <Button onClick={() => void results.fetchNextPage()} disabled={results.isFetchingNextPage}>
                {t("More")}
              </Button>
            </div>
          )}
        </Card>
      )}
    </Asked>
  );
}

function NothingFound() {
  return (
    <Empty icon={SearchX} title={t("Nothing found")}>
      <p>{t("Any part of a key counts, whatever its case. Tags and metadata are given as name=value.")}</p>
    </Empty>
  );
}

function HitTable({ hits }: { hits: Hit[] }) {
  return (
    <table className="table">
      <thead>
        <tr>
          <th>{t("Key")}</th>
          <th className="hidden sm:table-cell">{t("Bucket")}</th>
          <th className="text-right">{t("Size")}</th>
          <th className="hidden sm:table-cell">{t("Modified")}</th>
        </tr>
      </thead>
      <tbody>
        {hits.map(({ bucket, key, size, last_modified }) => (
          <tr key={`${bucket}/${key}`}>
            <td>
              <ObjectLink bucket={bucket} objectKey={key}>
                {key}
              </ObjectLink>
              <p className="text-muted sm:hidden">{bucket}</p>
            </td>
            <td className="hidden sm:table-cell">{bucket}</td>
            <td className="text-right whitespace-nowrap">{formatBytes(size)}</td>
            <td className="hidden whitespace-nowrap sm:table-cell">{formatTime(last_modified)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
