import { Button } from "@mantine/core";
import { Brush } from "lucide-react";
import { useCallback, useState } from "react";

import { MaskDialog } from "./MaskDialog";
import { NO_HISTORY, type History } from "./strokes";

interface MaskButtonProps {
  imageId: string;
  maskId: string;
  onKept: (maskId: string) => void;
}

interface Session {
  imageId: string;
  /** The mask it began with, and the one it made: any other was chosen elsewhere, and is begun anew from. */
  from: string;
  made: string;
  history: History;
}

/** Opens the mask of an image; what was drawn stays while the page is open, so that it can be undone later. */
export function MaskButton({ imageId, maskId, onKept }: MaskButtonProps) {
  const [isOpen, setOpen] = useState(false);
  const [session, setSession] = useState<Session | null>(null);
  const change = useCallback(
    (by: (old: History) => History) => setSession((old) => old && { ...old, history: by(old.history) }),
    [],
  );
  const open = () => {
    const goesOn = session?.imageId === imageId && [session.from, session.made].includes(maskId);
    if (!goesOn) setSession({ imageId, from: maskId, made: maskId, history: NO_HISTORY });
    setOpen(true);
  };
  return (
    <>
      <Button
        size="xs"
        variant={maskId ? "default" : "primary"}
        leftSection={<Brush size={14} />}
        disabled={!imageId}
        onClick={open}
      >
        {maskId ? "Change mask" : "Draw mask"}
      </Button>
      {isOpen && session && (
        <MaskDialog
          imageId={imageId}
          maskId={session.from}
          history={session.history}
          onHistory={change}
          onClose={() => setOpen(false)}
          onKept={(made) => {
            setSession({ ...session, made });
            setOpen(false);
            onKept(made);
          }}
        />
      )}
    </>
  );
}
