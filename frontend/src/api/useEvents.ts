import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useState } from "react";

import { applyEvent, askStudioAnew } from "./apply";
import { EVENT_TYPES, type StudioEvent } from "./events";

// A page nobody looks at gives its connection back: browsers allow six to one address over all tabs.
const HIDDEN_MS = 60_000;
const RETRY_MS = 2_000;

/**
 * Keep the query cache live from the one event stream. The browser resumes with Last-Event-ID by itself;
 * after any gap everything on screen is asked again. A hidden page lets the stream go unless `mustStay`.
 */
export function useEvents(onEvent?: (event: StudioEvent) => void, mustStay = () => false): boolean {
  const client = useQueryClient();
  const [isLive, setLive] = useState(true);
  const tell = useEffectEvent((event: StudioEvent) => onEvent?.(event));
  const mustBeOpen = useEffectEvent(() => mustStay());

  useEffect(() => {
    let source: EventSource | null = null;
    let timer = 0;
    let hasGap = false;

    const receive = (message: MessageEvent<string>) => {
      const event = JSON.parse(message.data) as StudioEvent;
      applyEvent(client, event);
      tell(event);
    };
    const close = () => {
      window.clearTimeout(timer);
      source?.close();
      source = null;
    };
    const open = () => {
      close();
      source = new EventSource("/api/events");
      source.onopen = () => {
        setLive(true);
        if (hasGap) void client.invalidateQueries();
        hasGap = false;
      };
      source.onmessage = receive;
      source.addEventListener("studio.changed", () => askStudioAnew(client));
      for (const type of EVENT_TYPES) source.addEventListener(type, receive);
      source.onerror = () => {
        hasGap = true;
        if (source?.readyState === EventSource.CLOSED) {
          setLive(false);
          timer = window.setTimeout(open, RETRY_MS);
        } else {
          // A planned reconnect takes well under this; only a real absence is worth telling.
          timer = window.setTimeout(() => setLive(source?.readyState === EventSource.OPEN), RETRY_MS * 2);
        }
      };
    };
    const attend = () => {
      window.clearTimeout(timer);
      if (document.hidden) {
        const leave = () => {
          if (mustBeOpen()) {
            timer = window.setTimeout(leave, HIDDEN_MS);
            return;
          }
          hasGap = true;
          close();
        };
        timer = window.setTimeout(leave, HIDDEN_MS);
      } else if (!source) {
        hasGap = true;
        open();
      }
    };

    open();
    document.addEventListener("visibilitychange", attend);
    return () => {
      document.removeEventListener("visibilitychange", attend);
      close();
    };
  }, [client]);

  return isLive;
}
