import { useEffect, type ReactNode } from "react";

import classes from "./Page.module.css";

interface PageProps {
  title: string;
  /** The heading as shown, when it is more than text. */
  heading?: ReactNode;
  above?: ReactNode;
  sub?: ReactNode;
  actions?: ReactNode;
  width?: "narrow" | "normal" | "full";
  children: ReactNode;
}

export function Page({ title, heading, above, sub, actions, width = "normal", children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · fluxtune`;
  }, [title]);
  return (
    <div className={classes.page} data-width={width}>
      <header className={classes.header}>
        <div className={classes.titles}>
          {above && <div className={classes.above}>{above}</div>}
          {heading ?? <h1 className={classes.title}>{title}</h1>}
          {sub && <div className={classes.sub}>{sub}</div>}
        </div>
        {actions && <div className={classes.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}

interface SectionProps {
  title: string;
  aside?: ReactNode;
  /** Makes the section a landmark with this name. */
  label?: string;
  children: ReactNode;
}

export function Section({ title, aside, label, children }: SectionProps) {
  return (
    <section className={classes.section} aria-label={label ?? title}>
      <div className={classes.sectionHead}>
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

export function Panel({ children, className, ...rest }: React.ComponentProps<"div">) {
  return (
    <div className={`${classes.panel} ${className ?? ""}`} {...rest}>
      {children}
    </div>
  );
}
