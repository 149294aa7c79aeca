import { Button, Modal } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Globe, Lock, Users } from "lucide-react";
import { useState } from "react";

import type { Sharing } from "@/api/generated";
import { sessionQuery } from "@/api/queries";
import { sharingQuery, type SharedKind } from "@/api/sharing";

import { REACH_LABEL, reachOf } from "./reach";
import { ShareForm } from "./ShareForm";
import classes from "./Sharing.module.css";

const ICONS = { private: Lock, people: Users, everyone: Globe } as const;

function whose({ owner, is_mine, may_change }: Sharing, isMine: boolean): string {
  if (!owner) return "It was made before there were people here: everyone may see and change it.";
  if (isMine) return "It is yours.";
  if (is_mine) return `It is ${owner}’s. You may say who sees it because you are an administrator.`;
  return `It is ${owner}’s. You may ${may_change ? "use and change it" : "use it, or make a copy"}.`;
}

interface ShareButtonProps {
  kind: SharedKind;
  id: string;
  name: string;
}

/** Shows who may see a thing, and opens where that is said. Not there where nobody else uses the studio. */
export function ShareButton({ kind, id, name }: ShareButtonProps) {
  const session = useQuery(sessionQuery).data;
  const sharing = useQuery({ ...sharingQuery(kind, id), enabled: session?.is_team ?? false }).data;
  const [isOpen, setOpen] = useState(false);
  if (!session?.is_team || !sharing) return null;
  const reach = reachOf(sharing);
  const Icon = ICONS[reach];
  const close = () => setOpen(false);
  return (
    <>
      <Button
        variant="default"
        leftSection={<Icon size={16} aria-hidden />}
        aria-label={`Sharing: ${REACH_LABEL[reach]}`}
        onClick={() => setOpen(true)}
      >
        {REACH_LABEL[reach]}
      </Button>
      <Modal opened={isOpen} onClose={close} title={`Share “${name}”`} centered>
        <div className={classes.body}>
          <p className="dim">{whose(sharing, sharing.owner_id === session.person_id)}</p>
          {sharing.is_mine && <ShareForm kind={kind} id={id} sharing={sharing} onDone={close} />}
        </div>
      </Modal>
    </>
  );
}
