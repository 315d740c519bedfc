import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { t } from "./i18n";
import { Shell } from "./shell/Shell";
import { Loading, Page } from "./ui/layout";
import { ErrorNotice, Notice } from "./ui/Notice";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => (
    <Page title={t("There is no such page")}>
      <Notice kind="info">{t("The menu leads to everything that is there.")}</Notice>
    </Page>
  ),
});

const index = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/buckets" });
  },
});

const buckets = createRoute({
  getParentRoute: () => root,
  path: "/buckets",
  component: lazyRouteComponent(() => import("./pages/buckets/BucketsPage")),
});

export const SORTS = ["name", "size", "modified"] as const;
export type Sort = (typeof SORTS)[number];

export interface BrowseSearch {
  prefix?: string;
  /** Only names that begin with this. */
  begins?: string;
  sort?: Sort;
  down?: boolean;
  /** The key whose details are open. */
  object?: string;
  deleted?: boolean;
}

const text = (value: unknown): string | undefined => (value === undefined || value === "" ? undefined : String(value));

const browse = createRoute({
  getParentRoute: () => root,
  path: "/buckets/$bucket",
  validateSearch: (search: Record<string, unknown>): BrowseSearch => ({
    prefix: text(search.prefix),
    begins: text(search.begins),
    sort: SORTS.find((sort) => sort === search.sort),
    down: search.down === true || undefined,
    object: text(search.object),
    deleted: search.deleted === true || undefined,
  }),
  component: lazyRouteComponent(() => import("./pages/browse/BrowsePage")),
});

const bucketSettings = createRoute({
  getParentRoute: () => root,
  path: "/buckets/$bucket/settings/$section",
  component: lazyRouteComponent(() => import("./pages/settings/BucketSettingsPage")),
});

export interface SearchSearch {
  q?: string;
  bucket?: string;
  tag?: string;
  metadata?: string;
}

const search = createRoute({
  getParentRoute: () => root,
  path: "/search",
  validateSearch: (search: Record<string, unknown>): SearchSearch => ({
    q: text(search.q),
    bucket: text(search.bucket),
    tag: text(search.tag),
    metadata: text(search.metadata),
  }),
  component: lazyRouteComponent(() => import("./pages/search/SearchPage")),
});

const access = createRoute({
  getParentRoute: () => root,
  path: "/access",
  beforeLoad: () => {
    throw redirect({ to: "/access/$section", params: { section: "users" } });
  },
});

const accessSection = createRoute({
  getParentRoute: () => root,
  path: "/access/$section",
  component: lazyRouteComponent(() => import("./pages/access/AccessPage")),
});

const accessEntity = createRoute({
  getParentRoute: () => root,
  path: "/access/$section/$name",
  component: lazyRouteComponent(() => import("./pages/access/EntityPage")),
});

const cluster = createRoute({
  getParentRoute: () => root,
  path: "/cluster",
  component: lazyRouteComponent(() => import("./pages/cluster/ClusterPage")),
});

const activity = createRoute({
  getParentRoute: () => root,
  path: "/activity",
  component: lazyRouteComponent(() => import("./pages/activity/ActivityPage")),
});

export interface RequestsSearch {
  id?: string;
}

const requests = createRoute({
  getParentRoute: () => root,
  path: "/requests",
  validateSearch: (search: Record<string, unknown>): RequestsSearch => ({ id: text(search.id) }),
  component: lazyRouteComponent(() => import("./pages/requests/RequestsPage")),
});

const server = createRoute({
  getParentRoute: () => root,
  path: "/server",
  component: lazyRouteComponent(() => import("./pages/server/ServerPage")),
});

const routeTree = root.addChildren([
  index,
  buckets,
  browse,
  bucketSettings,
  search,
  access,
  accessSection,
  accessEntity,
  cluster,
  activity,
  requests,
  server,
]);

function Failed({ error }: ErrorComponentProps) {
  return (
    <Page title={t("This page could not be shown")}>
      <ErrorNotice error={error} retry={() => location.reload()} />
    </Page>
  );
}

export const router = createRouter({
  routeTree,
  defaultPendingComponent: Loading,
  defaultErrorComponent: Failed,
  defaultPreload: "intent",
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
