import { Boxes, Home, Images, Settings2, Sparkles, TrendingDown } from "lucide-react";

/** The five places, and Admin at the foot. */
export const PLACES = [
  { to: "/", label: "Home", Icon: Home },
  { to: "/datasets", label: "Datasets", Icon: Images },
  { to: "/finetunes", label: "Finetunes", Icon: TrendingDown },
  { to: "/models", label: "Models", Icon: Boxes },
  { to: "/create", label: "Create", Icon: Sparkles },
] as const;

export const ADMIN = { to: "/system", label: "Admin", Icon: Settings2 } as const;
