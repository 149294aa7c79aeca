import { ActionIcon, Button, Radio, Select } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useState } from "react";

import { call } from "@/api/call";
import { shareThing, type Sharing } from "@/api/generated";
import { peopleNamesQuery, sharingQuery, type SharedKind } from "@/api/sharing";
import { ErrorState } from "@/components/ProblemCard";
import { toastGood } from "@/components/undo";

import { draftOf, updateOf, type Access, type Reach, type SharingDraft } from "./reach";
import classes from "./Sharing.module.css";

const ACCESS = [
  { value: "see", label: "may use it" },
  { value: "change", label: "may change it" },
];

const OPTIONS: { value: Reach; label: string; description: string }[] = [
  { value: "private", label: "Only its owner", description: "And administrators, who see everything." },
  { value: "people", label: "Some people", description: "Those you choose." },
  { value: "everyone", label: "Everyone in this studio", description: "Also who joins later." },
];

interface PeopleProps {
  draft: SharingDraft;
  ownerId: string | null;
  onChange: (people: SharingDraft["people"]) => void;
}

function People({ draft: { people }, ownerId, onChange }: PeopleProps) {
  const names = useQuery(peopleNamesQuery).data ?? [];
  const others = names.filter(
    ({ id }) => id !== ownerId && people.every(({ person_id }) => person_id !== id),
  );
  return (
    <>
      {people.length > 0 && (
        <ul className={classes.people} aria-label="Shared with">
          {people.map(({ person_id, name, may }) => (
            <li key={person_id} className={classes.person}>
              <span className={classes.name}>{name}</span>
              <Select
                aria-label={`What ${name} may do`}
                data={ACCESS}
                value={may}
                allowDeselect={false}
                w={160}
                onChange={(value) =>
                  onChange(
                    people.map((each) =>
                      each.person_id === person_id ? { ...each, may: value as Access } : each,
                    ),
                  )
                }
              />
              <ActionIcon
                aria-label={`Take ${name} off`}
                onClick={() => onChange(people.filter((each) => each.person_id !== person_id))}
              >
                <X size={16} />
              </ActionIcon>
            </li>
          ))}
        </ul>
      )}
      <Select
        aria-label="Add somebody"
        placeholder={others.length ? "Add somebody…" : "Nobody else is in this studio yet"}
        disabled={!others.length}
        searchable
        data={others.map(({ id, name }) => ({ value: id, label: name }))}
        value={null}
        onChange={(id) => {
          const person = others.find((each) => each.id === id);
          if (person) onChange([...people, { person_id: person.id, name: person.name, may: "see" }]);
        }}
      />
    </>
  );
}

interface ShareFormProps {
  kind: SharedKind;
  id: string;
  sharing: Sharing;
  onDone: () => void;
}

/** Says who may see a thing and who may change it. */
export function ShareForm({ kind, id, sharing, onDone }: ShareFormProps) {
  const client = useQueryClient();
  const [draft, setDraft] = useState(() => draftOf(sharing));
  const save = useMutation({
    mutationFn: () => call(shareThing({ path: { kind, thing_id: id }, body: updateOf(draft) })),
    onSuccess: (now) => {
      client.setQueryData(sharingQuery(kind, id).queryKey, now);
      toastGood("It is shared as you said.");
      onDone();
    },
  });
  const isNobody = draft.reach === "people" && !draft.people.length;
  return (
    <form
      className={classes.body}
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Radio.Group
        label="Who may see it"
        value={draft.reach}
        onChange={(value) => setDraft({ ...draft, reach: value as Reach })}
      >
        <div className={classes.options} style={{ marginTop: 8 }}>
          {OPTIONS.map((option) => (
            <Radio key={option.value} {...option} />
          ))}
        </div>
      </Radio.Group>
      {draft.reach === "everyone" && (
        <Select
          label="Everyone"
          data={ACCESS}
          value={draft.everyoneMay}
          allowDeselect={false}
          onChange={(value) => setDraft({ ...draft, everyoneMay: value as Access })}
        />
      )}
      {draft.reach === "people" && (
        <People
          draft={draft}
          ownerId={sharing.owner_id}
          onChange={(people) => setDraft({ ...draft, people })}
        />
      )}
      {save.error && <ErrorState error={save.error} />}
      <div className={classes.foot}>
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
        <Button type="submit" variant="primary" loading={save.isPending} disabled={isNobody}>
          Save
        </Button>
      </div>
    </form>
  );
}
