import { Boxes, Home, Images, Settings2, Sparkles, TrendingDown } from "lucide-react";

/** The five places, and Admin at the foot. */
const PLACES = [
  { to: "/", label: "Home", Icon: Home },
  { to: "/datasets", label: "Datasets", Icon: Images },
  { to: "/finetunes", label: "Finetunes", Icon: TrendingDown },
  { to: "/models", label: "Models", Icon: Boxes },
  { to: "/create", label: "Create", Icon: Sparkles, rule: "create" },
] as const;

/** The places whoever holds these permissions has something to do in. */
export const placesFor = (permissions: readonly string[]) =>
  PLACES.filter((place) => !("rule" in place) || permissions.includes(place.rule));

export const ADMIN = { to: "/system", label: "Admin", Icon: Settings2 } as const;
