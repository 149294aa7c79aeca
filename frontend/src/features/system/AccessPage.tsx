import { useIsTeam } from "@/api/session";
import { OwnQuota } from "@/components/quota/OwnQuota";
import { Page } from "@/components/Page";

import { Browsers } from "./Browsers";
import { Password } from "./Password";
import { Tokens } from "./Tokens";

/** How one gets in: programs with a token, browsers with a session, people with a password. */
export function AccessPage() {
  const isTeam = useIsTeam();
  return (
    <Page title="Access" sub="How you and your programs get in.">
      <OwnQuota />
      <Tokens />
      {isTeam && <Password />}
      <Browsers />
    </Page>
  );
}
