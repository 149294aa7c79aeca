import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Download, Search } from "lucide-react";
import { useState } from "react";

import type { AllSettings, Setting, SettingGroup } from "@/api/generated";
import { Loaded } from "@/components/Loaded";
import { Page, Panel, Section } from "@/components/Page";
import { Fold } from "@/components/schema-form/SchemaForm";

import { Changes } from "./Changes";
import { ImportButton } from "./ImportDialog";
import { settingsQuery } from "./queries";
import { SettingRow } from "./SettingRow";
import classes from "./Settings.module.css";
import { matches } from "./values";

const idOf = ({ name }: SettingGroup) => `group-${name || "place"}`;

/** What people come for stands first; what only the file can say, last. */
const order = ({ name }: SettingGroup) => (name.startsWith("defaults.") ? 0 : name === "" ? 2 : 1);

const isDifferent = ({ source, is_waiting }: Setting) => source !== "default" || is_waiting;

const Rows = ({ list }: { list: Setting[] }) => (
  <ul className={classes.rows}>
    {list.map((setting) => (
      <SettingRow key={setting.key} setting={setting} />
    ))}
  </ul>
);

/** A group; what few need is folded, unless it differs from the usual or is looked for. */
function Group({ group, isFiltered }: { group: SettingGroup; isFiltered: boolean }) {
  const folded = isFiltered
    ? []
    : group.settings.filter((each) => each.level === "expert" && !isDifferent(each));
  const open = group.settings.filter((each) => !folded.includes(each));
  return (
    <div id={idOf(group)} className={classes.group}>
      <Section title={group.title} label={`Settings: ${group.title}`}>
        <Panel className={classes.panel}>
          {group.description && <p className="dim small">{group.description}</p>}
          {open.length > 0 && <Rows list={open} />}
          {folded.length > 0 && (
            <Fold title="Expert settings" note={String(folded.length)}>
              <Rows list={folded} />
            </Fold>
          )}
        </Panel>
      </Section>
    </div>
  );
}

function Groups({ settings, query, show }: { settings: AllSettings; query: string; show: string }) {
  const groups = settings.groups
    .map((group) => ({
      ...group,
      settings: group.settings.filter(
        (each) => matches(each, query) && (show === "all" || isDifferent(each)),
      ),
    }))
    .filter((group) => group.settings.length > 0)
    .sort((a, b) => order(a) - order(b));
  if (groups.length === 0)
    return (
      <p className={classes.nothing}>
        {query ? `No setting is called “${query}”.` : "Everything is as usual."}
      </p>
    );
  return (
    <>
      {groups.length > 3 && (
        <nav aria-label="Groups of settings" className={classes.groups}>
          {groups.map((group) => (
            <a key={group.name} href={`#${idOf(group)}`}>
              {group.title}
            </a>
          ))}
        </nav>
      )}
      {groups.map((group) => (
        <Group key={group.name} group={group} isFiltered={query !== "" || show !== "all"} />
      ))}
    </>
  );
}

/** Every setting of the studio, where its value comes from, and who changed it. */
export function SettingsPage() {
  const settings = useQuery(settingsQuery);
  const [query, setQuery] = useState("");
  const [show, setShow] = useState("all");
  return (
    <Page
      title="Settings"
      sub="Changes take effect at once. What the environment or the file decides is shown and can’t be changed here."
      actions={
        <>
          <ImportButton />
          <Button
            component="a"
            href="/api/settings/export"
            download
            variant="default"
            leftSection={<Download size={15} />}
          >
            Export
          </Button>
        </>
      }
    >
      <div className={classes.finder}>
        <TextInput
          aria-label="Find a setting"
          placeholder="Find a setting"
          leftSection={<Search size={15} />}
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
        />
        <SegmentedControl
          aria-label="Which settings"
          value={show}
          onChange={setShow}
          data={[
            { value: "all", label: "All" },
            { value: "changed", label: "Not as usual" },
          ]}
        />
      </div>
      <Loaded query={settings}>{(all) => <Groups settings={all} query={query.trim()} show={show} />}</Loaded>
      <Changes />
    </Page>
  );
}
