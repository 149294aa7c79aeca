import { NativeSelect } from "@mantine/core";
import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";

import { usePermissions } from "@/api/session";

import { Only } from "@/components/may/May";

import { adminGroupsFor, ruleOfAdminPage, type AdminAddress } from "./admin";
import classes from "./AdminNav.module.css";

/** The pages under Admin: a list beside them, or where there is no room for it, one field above. */
export function AdminNav() {
  const navigate = useNavigate();
  const groups = adminGroupsFor(usePermissions());
  const here = useLocation({ select: ({ pathname }) => pathname.replace(/(.)\/$/, "$1") });
  return (
    <>
      <nav className={classes.list} aria-label="Admin">
        {groups.map(({ title, pages }) => (
          <div key={title} className={classes.group}>
            <p className={classes.title} id={`admin-${title}`}>
              {title}
            </p>
            <ul aria-labelledby={`admin-${title}`}>
              {pages.map(({ to, label, Icon }) => (
                <li key={to}>
                  <Link
                    to={to}
                    className={classes.page}
                    activeOptions={{ exact: true, includeSearch: false }}
                    activeProps={{ "data-active": true }}
                  >
                    <Icon size={16} strokeWidth={1.8} aria-hidden />
                    {label}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      <NativeSelect
        className={classes.select}
        aria-label="Admin page"
        value={here}
        data={groups.map(({ title, pages }) => ({
          group: title,
          items: pages.map(({ to, label }) => ({ value: to, label })),
        }))}
        onChange={(event) => void navigate({ to: event.currentTarget.value as AdminAddress })}
      />
    </>
  );
}

/** What stands around every page under Admin. */
export function AdminLayout() {
  const here = useLocation({ select: ({ pathname }) => pathname.replace(/(.)\/$/, "$1") });
  return (
    <div className={classes.layout}>
      <AdminNav />
      <div className={classes.content}>
        <Only rule={ruleOfAdminPage(here)}>
          <Outlet />
        </Only>
      </div>
    </div>
  );
}
