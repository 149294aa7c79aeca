import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useNavigate, useRouter } from "@tanstack/react-router";
import { WifiOff } from "lucide-react";
import { useEffect, useRef } from "react";

import { ProblemError } from "@/api/problem";
import { sessionQuery } from "@/api/queries";
import { usePermissions } from "@/api/session";
import { useEvents } from "@/api/useEvents";
import { isAnyoneWaiting, tellEnd } from "@/components/notify";
import { toastGood } from "@/components/undo";
import { ActivityTray } from "@/features/jobs/ActivityTray";
import { FirstAdministratorPage } from "@/features/people/FirstAdministratorPage";
import { InvitationPage } from "@/features/people/InvitationPage";
import { SignInPage } from "@/features/system/SignInPage";

import { AccountMenu } from "./AccountMenu";
import { Palette, PaletteButton } from "./Palette";
import { ADMIN, placesFor } from "./places";
import classes from "./Shell.module.css";
import { ThemeToggle } from "./ThemeToggle";
import { Wordmark } from "./Wordmark";

/** Where links of administrators lead, whoever is signed in. */
const INVITATION = "/invitation";

function Rail() {
  const permissions = usePermissions();
  return (
    <nav className={classes.rail} aria-label="Places">
      <Link to="/" className={classes.brand} aria-label="fluxtune, home">
        <Wordmark />
      </Link>
      <ul className={classes.places}>
        {[...placesFor(permissions), ADMIN].map(({ to, label, Icon }) => (
          <li key={to} data-foot={to === ADMIN.to || undefined}>
            <Link
              to={to}
              className={classes.place}
              activeOptions={{ exact: to === "/", includeSearch: false }}
              activeProps={{ "data-active": true }}
            >
              <Icon size={18} strokeWidth={1.8} aria-hidden />
              <span>{label}</span>
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** On a new page the keyboard goes on where the page begins, unless something on it has the focus already. */
function useFocusOnArrival() {
  const main = useRef<HTMLElement>(null);
  const router = useRouter();
  useEffect(
    () =>
      router.subscribe("onRendered", ({ pathChanged }) => {
        const isLost = !document.activeElement || document.activeElement === document.body;
        if (pathChanged && isLost) main.current?.focus({ preventScroll: true });
      }),
    [router],
  );
  return main;
}

function Studio() {
  const navigate = useNavigate();
  const main = useFocusOnArrival();
  const isLive = useEvents((event) => {
    const open = () =>
      void navigate({ to: "/finetunes/$finetuneId", params: { finetuneId: event.target_id } });
    tellEnd(event, open);
    if (event.type !== "job.succeeded" || event.kind !== "finetune") return;
    const here = window.location.pathname;
    if (here === `/finetunes/${event.target_id}`) return;
    toastGood("A finetune has finished.", {
      label: "Look at it",
      run: open,
    });
  }, isAnyoneWaiting);
  return (
    <div className={classes.shell}>
      <a href="#main" className="skip">
        Skip to the page
      </a>
      <Rail />
      <header className={classes.top}>
        <Link to="/" className={classes.topBrand} aria-label="fluxtune, home">
          <Wordmark short />
        </Link>
        <PaletteButton />
        <div className={classes.topEnd}>
          {!isLive && (
            <span className={classes.offline} role="status">
              <WifiOff size={14} aria-hidden /> Reconnecting…
            </span>
          )}
          <ThemeToggle />
          <ActivityTray />
          <AccountMenu />
        </div>
      </header>
      <main id="main" ref={main} className={classes.main} tabIndex={-1}>
        <Outlet />
      </main>
      <Palette />
    </div>
  );
}

export function Shell() {
  const isInvitation = useLocation({ select: ({ pathname }) => pathname === INVITATION });
  const session = useQuery({ ...sessionQuery, enabled: !isInvitation });
  if (isInvitation) return <InvitationPage />;
  if (session.data) return session.data.needs_administrator ? <FirstAdministratorPage /> : <Studio />;
  const isRefused =
    session.error instanceof ProblemError && [401, 403].includes(session.error.problem.status);
  if (session.isError)
    return <SignInPage error={isRefused ? null : session.error} retry={() => void session.refetch()} />;
  return null;
}
