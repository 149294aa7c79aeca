import { Button, Modal, Switch } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { call } from "@/api/call";
import { setQuota, type Limits, type PersonQuota } from "@/api/generated";
import { quotasQuery } from "@/api/sharing";
import { ErrorState } from "@/components/ProblemCard";
import { LIMIT_NAMES, LIMITS, type LimitName } from "@/components/quota/limits";
import { toastGood } from "@/components/undo";

import { LimitFields } from "./LimitFields";
import classes from "./Quotas.module.css";

function Form({ person, onDone }: { person: PersonQuota; onDone: () => void }) {
  const client = useQueryClient();
  const [own, setOwn] = useState<Limits>(person.own as Limits);
  const save = useMutation({
    mutationFn: () => call(setQuota({ path: { person_id: person.person_id }, body: own })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: quotasQuery.queryKey });
      toastGood(`The limits of ${person.name} are set.`);
      onDone();
    },
  });
  const toggle = (name: LimitName, isOwn: boolean) => {
    const { [name]: _before, ...rest } = own;
    setOwn(isOwn ? { ...rest, [name]: person.limits[name] ?? null } : rest);
  };
  const usual = person.role === "administrator" ? "Without limit, as for administrators" : "As for everybody";
  return (
    <form
      className={classes.panel}
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      {LIMIT_NAMES.map((name) => (
        <div key={name} className={classes.own}>
          <Switch
            label={LIMITS[name].label}
            description={name in own ? "A limit of their own" : usual}
            checked={name in own}
            onChange={(event) => toggle(name, event.currentTarget.checked)}
          />
          {name in own && (
            <LimitFields
              limits={own}
              only={[name]}
              placeholder="No limit"
              onChange={(_, value) => setOwn({ ...own, [name]: value })}
            />
          )}
        </div>
      ))}
      {save.error && <ErrorState error={save.error} />}
      <div className={classes.foot}>
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
        <Button type="submit" variant="primary" loading={save.isPending}>
          Save
        </Button>
      </div>
    </form>
  );
}

/** Limits of one person: each as for everybody, or of their own. */
export function PersonDialog({ person, onClose }: { person: PersonQuota | null; onClose: () => void }) {
  return (
    <Modal
      opened={person !== null}
      onClose={onClose}
      title={person ? `Limits of ${person.name}` : ""}
      centered
    >
      {person && <Form person={person} onDone={onClose} />}
    </Modal>
  );
}
