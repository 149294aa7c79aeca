import { useQuery } from "@tanstack/react-query";

import { serverModelsQuery, serversQuery } from "@/api/servers";
import { Loaded } from "@/components/Loaded";
import { Page, Panel, Section } from "@/components/Page";

import { AddServer } from "./AddServer";
import { ServerRow } from "./ServerRow";
import classes from "./Servers.module.css";

/** Other computers that train and draw for this studio. */
export function ServersPage() {
  const servers = useQuery(serversQuery);
  const models = useQuery(serverModelsQuery).data ?? [];
  return (
    <Page title="Servers" sub="Other computers of yours that train and make images for this studio.">
      <Section title="Yours">
        <Panel className={classes.panel}>
          <Loaded query={servers}>
            {(list) =>
              list.length ? (
                <ul className={classes.rows}>
                  {list.map((server) => (
                    <ServerRow
                      key={server.id}
                      server={server}
                      models={models.filter(({ name }) => name.endsWith(` · ${server.name}`))}
                    />
                  ))}
                </ul>
              ) : (
                <p className="dim small">
                  None yet. A fluxtune on a computer with a GPU trains what is too large for this one;
                  progress and samples come back while it does, and the model in the end.
                </p>
              )
            }
          </Loaded>
        </Panel>
      </Section>
      <AddServer />
    </Page>
  );
}
