import type { ReactNode } from "react";

import classes from "./SignInCard.module.css";

/** What is shown to whoever is not in yet: one card, one thing to do. */
export function SignInCard({ children }: { children: ReactNode }) {
  return (
    <main className={classes.page}>
      <div className={classes.card}>
        <img src="/favicon.svg" width={40} height={40} alt="" />
        {children}
      </div>
    </main>
  );
}

/** A form in that card. */
export function SignInForm({ onSubmit, children }: { onSubmit: () => void; children: ReactNode }) {
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {children}
    </form>
  );
}
