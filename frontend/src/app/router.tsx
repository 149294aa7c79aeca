import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type RouteComponent,
} from "@tanstack/react-router";

import { AdminLayout } from "./AdminNav";
import { Missing, RouteError } from "./RouteError";
import { Shell } from "./Shell";

interface Context {
  queryClient: QueryClient;
}

/** Which lines of the log are shown. */
interface LogsSearch {
  level?: string;
  part?: string;
  job_id?: string;
  request_id?: string;
  words?: string;
}

const root = createRootRouteWithContext<Context>()({
  component: Shell,
  notFoundComponent: Missing,
  errorComponent: RouteError,
});

const text = (value: unknown) =>
  typeof value === "string" && value ? value : typeof value === "number" ? String(value) : undefined;

const number = (value: unknown) => (typeof value === "number" && Number.isFinite(value) ? value : undefined);

interface CreateSearch {
  model?: string;
  /** What a hosted model draws with: its name at BFL. */
  finetune?: string;
  prompt?: string;
  image?: string;
  version?: string;
  strength?: number;
}

interface ModelsSearch {
  query?: string;
  base?: string;
  mode?: string;
  tag?: string;
  order?: "oldest" | "name";
}

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: lazyRouteComponent(() => import("@/features/home/HomePage"), "HomePage"),
});
const datasets = createRoute({
  getParentRoute: () => root,
  path: "/datasets",
  component: lazyRouteComponent(() => import("@/features/datasets/DatasetsPage"), "DatasetsPage"),
});
const dataset = createRoute({
  getParentRoute: () => root,
  path: "/datasets/$datasetId",
  component: lazyRouteComponent(() => import("@/features/datasets/DatasetPage"), "DatasetPage"),
});
const finetunes = createRoute({
  getParentRoute: () => root,
  path: "/finetunes",
  component: lazyRouteComponent(() => import("@/features/finetunes/FinetunesPage"), "FinetunesPage"),
});
const newFinetune = createRoute({
  getParentRoute: () => root,
  path: "/finetunes/new",
  validateSearch: (search): { dataset?: string; server?: string } => ({
    dataset: text(search.dataset),
    server: text(search.server),
  }),
  component: lazyRouteComponent(() => import("@/features/finetunes/NewFinetunePage"), "NewFinetunePage"),
});
const comparison = createRoute({
  getParentRoute: () => root,
  path: "/finetunes/compare",
  validateSearch: (search): { a?: string; b?: string } => ({ a: text(search.a), b: text(search.b) }),
  component: lazyRouteComponent(() => import("@/features/finetunes/ComparePage"), "ComparePage"),
});
const finetune = createRoute({
  getParentRoute: () => root,
  path: "/finetunes/$finetuneId",
  component: lazyRouteComponent(() => import("@/features/finetunes/RunPage"), "RunPage"),
});
const models = createRoute({
  getParentRoute: () => root,
  path: "/models",
  validateSearch: (search): ModelsSearch => ({
    query: text(search.query),
    base: text(search.base),
    mode: text(search.mode),
    tag: text(search.tag),
    order: search.order === "oldest" || search.order === "name" ? search.order : undefined,
  }),
  component: lazyRouteComponent(() => import("@/features/models/ModelsPage"), "ModelsPage"),
});
const model = createRoute({
  getParentRoute: () => root,
  path: "/models/$modelId",
  component: lazyRouteComponent(() => import("@/features/models/ModelPage"), "ModelPage"),
});
const create = createRoute({
  getParentRoute: () => root,
  path: "/create",
  validateSearch: (search): CreateSearch => ({
    model: text(search.model),
    finetune: text(search.finetune),
    prompt: text(search.prompt),
    image: text(search.image),
    version: text(search.version),
    strength: number(search.strength),
  }),
  component: lazyRouteComponent(() => import("@/app/CreateRoute"), "CreateRoute"),
});
const gallery = createRoute({
  getParentRoute: () => root,
  path: "/gallery",
  validateSearch: (search): { image?: string; model?: string } => ({
    image: text(search.image),
    model: text(search.model),
  }),
  component: lazyRouteComponent(() => import("@/app/GalleryRoute"), "GalleryRoute"),
});
/** Around every page under Admin: the list of them. Each has a line in `admin.ts`, too. */
const admin = createRoute({ getParentRoute: () => root, id: "admin", component: AdminLayout });
const adminPage = <Path extends string>(path: Path, component: RouteComponent) =>
  createRoute({ getParentRoute: () => admin, path, component });
const logs = createRoute({
  getParentRoute: () => admin,
  path: "/system/logs",
  validateSearch: (search): LogsSearch => ({
    level: text(search.level),
    part: text(search.part),
    job_id: text(search.job_id),
    request_id: text(search.request_id),
    words: text(search.words),
  }),
  component: lazyRouteComponent(() => import("@/features/logs/LogsPage"), "LogsPage"),
});
const adminPages = [
  adminPage(
    "/system",
    lazyRouteComponent(() => import("@/features/system/SystemPage"), "SystemPage"),
  ),
  adminPage(
    "/system/hosted",
    lazyRouteComponent(() => import("@/features/hosted/HostedPage"), "HostedPage"),
  ),
  adminPage(
    "/system/settings",
    lazyRouteComponent(() => import("@/features/settings/SettingsPage"), "SettingsPage"),
  ),
  adminPage(
    "/system/flags",
    lazyRouteComponent(() => import("@/features/flags/FlagsPage"), "FlagsPage"),
  ),
  adminPage(
    "/system/activity",
    lazyRouteComponent(() => import("@/features/activity/ActivityPage"), "ActivityPage"),
  ),
  adminPage(
    "/system/servers",
    lazyRouteComponent(() => import("@/features/servers/ServersPage"), "ServersPage"),
  ),
  logs,
  adminPage(
    "/system/alerts",
    lazyRouteComponent(() => import("@/features/alerts/AlertsPage"), "AlertsPage"),
  ),
  adminPage(
    "/system/metrics",
    lazyRouteComponent(() => import("@/features/metrics/MetricsPage"), "MetricsPage"),
  ),
  adminPage(
    "/system/quotas",
    lazyRouteComponent(() => import("@/features/quotas/QuotasPage"), "QuotasPage"),
  ),
  adminPage(
    "/system/people",
    lazyRouteComponent(() => import("@/features/people/PeoplePage"), "PeoplePage"),
  ),
  adminPage(
    "/system/storage",
    lazyRouteComponent(() => import("@/features/storage/StoragePage"), "StoragePage"),
  ),
  adminPage(
    "/system/backups",
    lazyRouteComponent(() => import("@/features/backups/BackupsPage"), "BackupsPage"),
  ),
  adminPage(
    "/system/access",
    lazyRouteComponent(() => import("@/features/system/AccessPage"), "AccessPage"),
  ),
  adminPage(
    "/system/api",
    lazyRouteComponent(() => import("@/features/system/ApiPage"), "ApiPage"),
  ),
] as const;

const tree = root.addChildren([
  home,
  datasets,
  dataset,
  finetunes,
  newFinetune,
  comparison,
  finetune,
  models,
  model,
  create,
  gallery,
  admin.addChildren(adminPages),
]);

export const createStudioRouter = (queryClient: QueryClient) =>
  createRouter({
    routeTree: tree,
    context: { queryClient },
    defaultPreload: "intent",
    scrollRestoration: true,
    defaultErrorComponent: RouteError,
    defaultNotFoundComponent: Missing,
  });
