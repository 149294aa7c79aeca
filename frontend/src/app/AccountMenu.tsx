import { ActionIcon, Menu } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleUser, KeyRound, LogOut } from "lucide-react";

import { call } from "@/api/call";
import { endSession } from "@/api/generated";
import { sessionQuery } from "@/api/queries";
import { toastProblem } from "@/components/undo";

/** Who one is, where people sign in; the local owner knows. */
export function AccountMenu() {
  const session = useQuery({ ...sessionQuery, enabled: false }).data;
  const leave = useMutation({
    mutationFn: () => call(endSession()),
    // Nothing this browser knows may stay in its memory.
    onSuccess: () => window.location.assign("/"),
    onError: toastProblem,
  });
  if (!session?.is_team) return null;
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon size={34} aria-label={`Account of ${session.actor}`}>
          <CircleUser size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {session.actor} · {session.role}
          <br />
          {session.email}
        </Menu.Label>
        <Menu.Item leftSection={<KeyRound size={15} />} component={Link} to="/system/access">
          Password, browsers, tokens
        </Menu.Item>
        <Menu.Item leftSection={<LogOut size={15} />} onClick={() => leave.mutate()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
