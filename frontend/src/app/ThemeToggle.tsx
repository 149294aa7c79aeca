import { ActionIcon, Tooltip, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { Moon, Sun } from "lucide-react";

import classes from "./Shell.module.css";

/** Dark or light at once; "as the system" is under Admin. */
export function ThemeToggle() {
  const { setColorScheme } = useMantineColorScheme();
  const shown = useComputedColorScheme("dark");
  const next = shown === "dark" ? "light" : "dark";
  return (
    <Tooltip label={`Switch to ${next}`}>
      <ActionIcon
        size={34}
        className={classes.theme}
        aria-label={`Switch to ${next} theme`}
        onClick={() => setColorScheme(next)}
      >
        {shown === "dark" ? <Sun size={17} /> : <Moon size={17} />}
      </ActionIcon>
    </Tooltip>
  );
}
