import { queryOptions, useQuery } from "@tanstack/react-query";
import { Users } from "lucide-react";

import { call } from "@/api/call";
import { listPeople } from "@/api/generated";
import { sessionQuery } from "@/api/queries";
import { useIsTeam } from "@/api/session";
import { Command } from "@/components/CopyButton";
import { Empty } from "@/components/Empty";
import { Loaded } from "@/components/Loaded";
import { Page, Panel, Section } from "@/components/Page";

import { Invite } from "./Invite";
import classes from "./People.module.css";
import { PersonRow } from "./PersonRow";

const peopleQuery = queryOptions({ queryKey: ["people"], queryFn: () => call(listPeople()) });

function Everybody() {
  const people = useQuery(peopleQuery);
  const me = useQuery({ ...sessionQuery, enabled: false }).data?.person_id;
  return (
    <Section title="People">
      <Panel>
        <Loaded query={people} skeleton={<p className="dim small">Looking for people…</p>}>
          {(list) => (
            <ul className={classes.people} aria-label="People">
              {list.map((person) => (
                <PersonRow key={person.id} person={person} isMe={person.id === me} />
              ))}
            </ul>
          )}
        </Loaded>
      </Panel>
    </Section>
  );
}

/** Who may sign in, and as what. */
export function PeoplePage() {
  const isTeam = useIsTeam();
  return (
    <Page title="People" sub="Who may sign in, and what they may do.">
      {isTeam ? (
        <>
          <Invite />
          <Everybody />
        </>
      ) : (
        <Empty
          title="This studio is yours alone"
          art={<Users size={40} strokeWidth={1.4} />}
          action={<Command>fluxtune serve --host 0.0.0.0</Command>}
        >
          Only this computer reaches it, so nobody needs to sign in. Start it on an address that others reach,
          and you can invite them here, each with a role. What is here already stays everybody’s.
        </Empty>
      )}
    </Page>
  );
}
