import type { SettingPair } from "@/api/generated";

import classes from "./Compare.module.css";
import { valueWords } from "./recipeText";

/** Settings that are not the same on both sides. */
export function Differences({ pairs }: { pairs: SettingPair[] }) {
  if (pairs.length === 0) return <p className="dim">Nothing: same images, same base, same recipe.</p>;
  return (
    // A region that scrolls must be reachable by keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes.scroll} tabIndex={0} role="region" aria-label="Settings that differ">
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">Setting</th>
            <th scope="col">A</th>
            <th scope="col">B</th>
          </tr>
        </thead>
        <tbody>
          {pairs.map(({ setting, title, a, b }) => (
            <tr key={setting}>
              <th scope="row">{title}</th>
              <td>{valueWords(a)}</td>
              <td>{valueWords(b)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
