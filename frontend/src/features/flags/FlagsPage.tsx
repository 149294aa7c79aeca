import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { Loaded } from "@/components/Loaded";
import { Page, Panel } from "@/components/Page";

import { FlagRow } from "./FlagRow";
import classes from "./Flags.module.css";
import { flagsQuery } from "./queries";

/** Which features this studio has, and for whom. */
export function FlagsPage() {
  const flags = useQuery(flagsQuery);
  return (
    <Page
      title="Flags"
      sub={
        <>
          What is off is neither shown nor answered: in the browser, over the API and on the command line. A
          change holds at once and stands under <Link to="/system/activity">Activity</Link>.
        </>
      }
    >
      <Panel>
        <Loaded query={flags}>
          {(list) => (
            <ul className={classes.rows} aria-label="Features">
              {list.map((flag) => (
                <FlagRow key={flag.name} flag={flag} />
              ))}
            </ul>
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}
